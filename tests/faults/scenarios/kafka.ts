/** Kafka goes away: the broker is stopped and started again, or the connections to it are cut and delayed. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Deployment } from '../deployment.ts';
import type { Round, Scenario } from '../round.ts';

export const broker: Scenario = {
  name: 'broker',
  does: 'the broker is stopped in the middle and started again',
  async play(round: Round) {
    const { world } = round;
    const input = round.input(round.one([1, 3]));
    const it = await round.deploy(input);
    const first = it.start();
    await it.feed(0.2 + round.random(5) / 10, 1500);
    await delay(round.random(500));
    await world.stopBroker();
    const awayMs = round.random(4000);
    await delay(awayMs);
    // A process may die, and another start, while there is no broker.
    const dies = round.random(2) === 0;
    if (dies) {
      first.expected = true;
      await first.running.signal('SIGKILL');
      it.start();
    }
    await world.startBroker();
    await it.feed(1, 1500);
    await it.finish();
    await round.compare(it, input);
    return `away for ${awayMs} ms and a start${dies ? ', a process killed meanwhile' : ''}`;
  },
};

export const cut: Scenario = {
  name: 'cut',
  does: 'connections to the broker are cut, delayed, held up and refused',
  async play(round: Round) {
    const { proxy } = round.world;
    const input = round.input(round.one([1, 3]));
    const it = await round.deploy(input, { faulty: { kafka: true } });
    it.start();
    const feeding = it.feed(1, 6000);
    const done: string[] = [];
    for (let i = 0; i < 5; i++) {
      await delay(300 + round.random(1000));
      done.push(await disturb(round, it));
    }
    Object.assign(proxy, { delayMs: 0, closed: false, silent: false });
    await feeding;
    await it.finish();
    await round.compare(it, input);
    return done.join(', ');
  },
};

async function disturb(round: Round, it: Deployment): Promise<string> {
  const { proxy } = it.world;
  const ms = round.random(2500);
  switch (round.random(4)) {
    case 0:
      proxy.cut();
      return 'cut';
    case 1:
      proxy.delayMs = round.random(400);
      return `delayed by up to ${proxy.delayMs} ms`;
    case 2:
      proxy.silent = true;
      await delay(ms);
      proxy.silent = false;
      return `held up for ${ms} ms`;
    default:
      proxy.closed = true;
      proxy.cut();
      await delay(ms);
      proxy.closed = false;
      return `refused for ${ms} ms`;
  }
}

const LARGE_BYTES = 10_000_000;

export const large: Scenario = {
  name: 'large',
  does: 'a message of 10 MB, as a dead letter or as an event, and a kill -9 behind it',
  async play(round: Round) {
    const input = round.input();
    const accepted = round.random(2) === 0;
    const env = accepted ? { VIGIE_MAX_EVENT_BYTES: String(16 * 1024 * 1024) } : {};
    const it = await round.deploy(input, { env });
    const first = it.start();
    await it.feed(0.3 + round.random(5) / 10, 1000);
    const offset = it.produced;
    const last = input.messages[offset - 1]!;
    const event = {
      '@timestamp': new Date(Number(last.timestamp)).toISOString(),
      event: { id: 'large', action: 'login', outcome: 'success' },
      user: { id: 'u-large', note: 'x'.repeat(LARGE_BYTES) },
    };
    await it.produce([{ ...last, value: Buffer.from(JSON.stringify(event)) }]);
    await delay(round.random(600));
    await it.kill(first);
    it.start();
    await it.feed(1, 1000);
    await it.finish();
    const expected = await round.undisturbed(input);
    // What is behind it stands one further.
    const letters = [...expected.letters].map((place) => {
      const at = Number(place.split('/')[1]);
      return `0/${at < offset ? at : at + 1}`;
    });
    await round.compareWith(it, {
      ...expected,
      eventIds: accepted ? [...expected.eventIds, 'large'] : expected.eventIds,
      letters: new Set(accepted ? letters : [...letters, `0/${offset}`]),
    });
    return `${accepted ? 'an event' : 'a dead letter'} at offset ${offset}`;
  },
};

export const recreated: Scenario = {
  name: 'recreated',
  does: 'the topic is deleted and made anew, while a process reads it, or none',
  async play(round: Round) {
    const { world } = round;
    const before = round.keyedInput({ week: 0 });
    const after = round.keyedInput({ week: 1 });
    const it = await round.deploy(before);
    const first = it.start();
    await it.feed(1, 500);
    await it.allCommitted();
    const meanwhile = round.one(['read', 'killed', 'stopped'] as const);
    if (meanwhile === 'killed') await it.kill(first);
    if (meanwhile === 'stopped') await it.stop(first);
    await world.deleteTopic(it.topic);
    await world.createTopic(it.topic, after.partitions);
    const feeding = it.feedAnew(after, round.random(2000));
    if (meanwhile !== 'read') it.start();
    await feeding;
    if (meanwhile === 'read') {
      await first.running.logged(({ code }) => code === 'TOPIC_RECREATED');
    }
    await it.finish();
    const [one, other] = await Promise.all([round.undisturbed(before), round.undisturbed(after)]);
    await round.compareWith(it, {
      alerts: [...one.alerts, ...other.alerts],
      eventIds: [...one.eventIds, ...other.eventIds],
      // Both are of a topic of this name.
      letters: new Set([...one.letters, ...other.letters]),
      told: new Set(),
    });
    return meanwhile === 'read' ? 'while a process read it' : `after the process was ${meanwhile}`;
  },
};
