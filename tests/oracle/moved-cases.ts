/** Random rules and logs for processes that divide the partitions of a log. */

import * as fc from 'fast-check';
import type { Alert } from '../../src/alert/alert.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { Message } from '../support/scripted-group.ts';
import { isCorrelation, type OracleDocument } from './documents.ts';
import { eventAsText, rulesAsText, timeoutMs, type Case } from './random-log.ts';

export interface Moved {
  readonly one: Case;
  readonly seed: number;
  readonly partitions: number;
  readonly saves: boolean;
}

/** After all timeouts and histories. */
const END_MS = Date.parse('2025-07-12T22:30:00Z');

/** Every group lies in one partition, as where the topic is keyed by what rules are grouped by. */
export function keyed(documents: readonly OracleDocument[]): OracleDocument[] {
  return documents.map((document) =>
    isCorrelation(document)
      ? {
          ...document,
          correlation: {
            ...document.correlation,
            'group-by': [...(document.correlation['group-by'] ?? []), 'zone'],
          },
        }
      : document,
  );
}

/** All but what was merged; samples are of those that came after a window was judged, whenever that was. */
export const shown = (alerts: readonly Alert[]): string[] =>
  alerts
    .filter(({ status }) => status !== 'merged')
    .map(({ sampleEventIds: _samples, ...alert }) => JSON.stringify(alert))
    .toSorted();

export const rulesOf = (documents: readonly OracleDocument[]) =>
  parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]);

/** The log on partitions: each event in that which `random` says, copies where the first one is. */
export function parted({ log }: Case, partitions: number, random: (below: number) => number): Message[][] {
  const logs = Array.from({ length: partitions }, (): Message[] => []);
  const zones = new Map<string, number>();
  for (const { time, fields, ...event } of log) {
    const zone = (event.id === undefined ? undefined : zones.get(event.id)) ?? random(partitions);
    if (event.id !== undefined) zones.set(event.id, zone);
    const data = eventAsText({ ...event, time, fields: { ...fields, zone: `z${zone}` } });
    logs[zone]!.push({ data, timeMs: time });
  }
  return logs;
}

/** Each partition with an event behind the others, after which everything is over. */
export const withEnds = (logs: readonly (readonly Message[])[]): Message[][] =>
  logs.map((log) => [
    ...log,
    { data: eventAsText({ time: END_MS, fields: { action: 'end' } }), timeMs: END_MS },
  ]);

export const moved = (one: fc.Arbitrary<Case>, mostPartitions: number): fc.Arbitrary<Moved> =>
  fc.record({
    one,
    seed: fc.nat(),
    partitions: fc.integer({ min: 1, max: mostPartitions }),
    saves: fc.boolean(),
  });

/** Fewer: each is a run of several processes. */
export const settings = {
  numRuns: Math.ceil(Number(process.env['ORACLE_RUNS'] ?? 200) / 100),
  interruptAfterTimeLimit: timeoutMs - 5000,
  markInterruptAsFailure: true,
};
