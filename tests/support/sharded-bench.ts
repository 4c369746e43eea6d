/**
 * The match stage and its shards without a broker: logs of source partitions, a router that sends, and engines that
 * take what was sent. The router may be killed at any moment; another one continues from what was committed.
 */

import type { Alert } from '../../src/alert/alert.ts';
import { renderAlert } from '../../src/alert/episode.ts';
import { Engine } from '../../src/detect/engine.ts';
import { createDecoder } from '../../src/event/create-decoder.ts';
import { FieldTable } from '../../src/event/record.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';
import { Router } from '../../src/signal/router.ts';
import { signalRules } from '../../src/signal/schema.ts';
import { SignalReader } from '../../src/signal/signal-reader.ts';
import { Taker } from '../../src/signal/taker.ts';

const KEY = new Uint8Array(16).fill(7);

export interface ShardedOptions {
  readonly ruleSet: RuleSet;
  readonly latenessMs: number;
  readonly shards: number;
  /** Events as JSON, by source partition, in order of arrival. */
  readonly logs: readonly (readonly string[])[];
  /** Returns a whole number from 0 to below `below`. */
  readonly random: (below: number) => number;
  /**
   * Chance in percent, after each run of events, that the process dies with messages it has not sent, or has sent but
   * not committed.
   */
  readonly deaths?: number;
}

/** The messages of each shard, in order, once the logs have been read completely. */
export function sent({ ruleSet, shards, logs, random, deaths = 0 }: ShardedOptions): Buffer[][] {
  const topic = Array.from({ length: shards }, (): Buffer[] => []);
  const committed = logs.map(() => 0);
  const newest = logs.map(() => -Infinity);
  const begin = () => {
    const fields = new FieldTable();
    const router = new Router(ruleSet, fields, { shards, partitions: logs.length, keyCheck: 1 });
    const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: KEY });
    committed.forEach((next, partition) => router.assign(partition, 5, next, newest[partition]!));
    return { router, decoder, record: fields.newRecord(), at: [...committed] };
  };
  let live = begin();
  const send = (whole: boolean) => {
    live.router.take().forEach((messages, shard) => {
      // A dying process has sent to some of the shards.
      if (whole || random(2) === 0) topic[shard]!.push(...messages);
    });
  };
  for (;;) {
    const open = logs.flatMap((log, partition) => (live.at[partition]! < log.length ? [partition] : []));
    if (open.length === 0) break;
    const partition = open[random(open.length)]!;
    const run = 1 + random(5);
    for (let i = 0; i < run && live.at[partition]! < logs[partition]!.length; i += 1) {
      const offset = live.at[partition]!;
      const data = Buffer.from(logs[partition]![offset]!);
      const fault = live.decoder.decode(data, 0, data.length, live.record);
      if (fault !== undefined) throw new Error(`${fault.code}: ${data.toString()}`);
      live.router.process(live.record, partition, offset);
      live.at[partition] = offset + 1;
    }
    live.router.advance(partition, live.at[partition]!);
    if (random(100) < deaths) {
      send(false);
      live = begin();
    } else if (random(3) === 0) {
      send(true);
      if (random(2) === 0) {
        live.at.forEach((next, each) => (committed[each] = next));
        logs.forEach((_, each) => (newest[each] = live.router.newestOf(each)));
      }
    }
  }
  // In the end only the partition with the newest event advances the watermark, as if there were one partition.
  const last = Math.max(...logs.map((_, each) => live.router.newestOf(each)));
  logs.forEach((_, each) => live.router.newestOf(each) < last && live.router.setIdle(each));
  send(true);
  return topic;
}

export interface Correlated {
  readonly alerts: Alert[];
  readonly copies: number;
  readonly gaps: number;
  readonly signals: number;
}

/** What the shards find in their messages. */
export function correlated(
  { ruleSet, latenessMs, shards }: Pick<ShardedOptions, 'ruleSet' | 'latenessMs' | 'shards'>,
  topic: readonly (readonly Buffer[])[],
): Correlated {
  const found = topic.map((messages, index) => {
    const fields = new FieldTable();
    const shard = { index, of: shards };
    const engine = new Engine({ ruleSet, fields, hashKey: KEY, latenessMs, shard });
    const taker = new Taker(engine, new SignalReader(fields, signalRules(ruleSet)));
    const alerts = new Map<string, Alert>();
    const note = () => {
      for (const episode of engine.tracker.changed) {
        alerts.set(episode.alertId, renderAlert(episode, 0, engine.evidence));
      }
      engine.tracker.changed.clear();
    };
    for (const message of messages) {
      const fault = taker.take(message, 0, message.length);
      if (fault !== undefined) throw new Error(fault);
      note();
    }
    engine.finish();
    note();
    return { alerts: [...alerts.values()], ...taker.counts };
  });
  const sum = (name: 'copies' | 'gaps' | 'signals') => found.reduce((total, each) => total + each[name], 0);
  return {
    alerts: found.flatMap(({ alerts }) => alerts),
    copies: sum('copies'),
    gaps: sum('gaps'),
    signals: sum('signals'),
  };
}

const crossing = ({ rule, group, crossedAt }: Alert): string => JSON.stringify([rule, group, crossedAt]);

/** What must not depend on where and in which order events were correlated, sorted. */
export function substanceOf(alerts: readonly Alert[]): string[] {
  const byId = new Map(alerts.map((alert) => [alert.alertId, crossing(alert)]));
  return alerts
    .filter(({ status }) => status !== 'merged')
    .map(({ alertId: _id, version: _version, sampleEventIds: _samples, inhibitedBy, ...alert }) =>
      JSON.stringify({ ...alert, inhibitedBy: byId.get(inhibitedBy) ?? inhibitedBy }),
    )
    .toSorted();
}
