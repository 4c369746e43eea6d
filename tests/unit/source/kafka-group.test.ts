/** Joining again after a failure. What needs a broker is in tests/integration/kafka-source.test.ts. */

import { expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { KafkaGroup } from '../../../src/source/kafka-group.ts';
import { freePorts } from '../../support/native-kafka.ts';

/** What it says it waits before each further attempt to reach a broker that is not there. */
async function waits(random: () => number, attempts: number): Promise<number[]> {
  const [port] = await freePorts(1);
  const waited: number[] = [];
  const enough = Promise.withResolvers<void>();
  const group = new KafkaGroup(
    {
      brokers: [`127.0.0.1:${port}`],
      clientId: 'test',
      topic: 'access',
      groupId: 'vigie',
      onProblem: () => undefined,
      clock: systemClock,
      random,
      log: (_level, _message, { retryInMs }) => {
        if (typeof retryInMs === 'number') waited.push(retryInMs);
        if (waited.length === attempts) enough.resolve();
      },
    },
    () => undefined,
  );
  group.join();
  await enough.promise;
  await group.leave();
  return waited;
}

test('processes that lost the same broker do not all come back at once', async () => {
  const [late, early] = await Promise.all([waits(() => 1, 2), waits(() => 0, 2)]);
  expect(late).toEqual([500, 1000]);
  expect(early).toEqual([250, 500]);
});
