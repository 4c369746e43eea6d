/**
 * The short form of the benchmark: the same workloads, small, and only whether the answers are right. No time is
 * looked at.
 *
 * Three rules by the oracle, over what the reference decoder reads; then more events through both decoders, with
 * these rules and with the shipped ones.
 */

import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { inRepository, passOver, PSEUDONYM_KEY, rulesNamed } from '../../bench/path.ts';
import { HOSTILE, hostile, LATENESS_MS, usual, type Workload } from '../../bench/workload.ts';
import { createDecoder } from '../../src/event/create-decoder.ts';
import { JsonParseDecoder } from '../../src/event/json-parse-decoder.ts';
import { Pseudonyms } from '../../src/event/pseudonyms.ts';
import { FieldTable } from '../../src/event/record.ts';
import { Evaluator } from '../../src/eval/eval.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { EventField, OracleDocument, OracleEvent } from '../oracle/documents.ts';
import { evaluate } from '../oracle/oracle.ts';
import { rulesAsText } from '../oracle/random-log.ts';
import { rows, verdictOf } from '../oracle/evaluators.ts';

/** Thresholds are a tenth or less of the benchmark's, so that logs of this length reach them. */
const SMALL = 1_500;
const LARGER = 4_000;
const FIELDS = ['event.id', 'event.action', 'user.id', 'organization.id', 'portal.records.ids'];

const WORKLOADS: readonly (readonly [string, (events: number, ids?: 'several') => Workload])[] = [
  ['usual', (events, ids) => usual(ids === undefined ? { events } : { events, ids })],
  ...Object.keys(HOSTILE).map((name) => [name, (events: number) => hostile(name, { events })] as const),
];

describe.each(WORKLOADS)('of the workload "%s"', { timeout: 120_000 }, (name, make) => {
  test('a small one has the firings and alerts of the oracle over the reference decoder', () => {
    const log = make(SMALL, 'several');
    const documents = easilyReached();
    const expected = evaluate(documents, readByReference(log), { latenessMs: LATENESS_MS });
    expect(rows(verdictOf(evaluatedBy(documents, log)))).toEqual(rows(expected));
    // What lasts seconds cannot fire; everything else has to show that something is compared.
    if (name === 'usual' || name.startsWith('one account')) expect(expected.alerts.length).toBeGreaterThan(0);
  });

  test.each(['three', 'shipped'])(
    'a larger one has the same alerts from both decoders under the rules "%s"',
    (rules) => {
      const log = make(LARGER);
      const fast = passOver(log.bytes, rulesNamed(rules), (options) => createDecoder(options, 0));
      const plain = passOver(log.bytes, rulesNamed(rules), (options) => new JsonParseDecoder(options));
      expect(fast.alerts).toEqual(plain.alerts);
      expect(fast.deadLetters).toBe(plain.deadLetters);
    },
  );
});

/** The benchmark's own rules within seconds instead of hours. */
function easilyReached(): OracleDocument[] {
  const reachedBy: Readonly<Record<string, { timespan: string; gte: number }>> = {
    bench_reads: { timespan: '2s', gte: 60 },
    bench_persons: { timespan: '1s', gte: 30 },
    bench_creations: { timespan: '10s', gte: 3 },
    bench_organisation_persons: { timespan: '1s', gte: 35 },
  };
  const texts = ['three', 'organisations'].map((name) =>
    readFileSync(inRepository(`rules/${name}.yml`), 'utf8'),
  );
  return parseAllDocuments(texts.join('---\n')).map((document) => {
    const rule = document.toJS() as OracleDocument;
    if (!('correlation' in rule)) return rule;
    const { timespan, gte } = reachedBy[rule.name]!;
    const condition = { ...(rule.correlation.condition as object), gte };
    return { ...rule, correlation: { ...rule.correlation, timespan, condition } };
  });
}

function readByReference({ bytes, starts, events }: Workload): OracleEvent[] {
  const fields = new FieldTable();
  const slots = FIELDS.map((path) => fields.slot(path));
  const decoder = new JsonParseDecoder({ fields, timeRequired: true, pseudonymKey: PSEUDONYM_KEY });
  const record = fields.newRecord();
  const log: OracleEvent[] = [];
  for (let i = 0; i < events; i += 1) {
    if (decoder.decode(bytes, starts[i]!, starts[i + 1]! - 1, record) !== undefined) continue;
    const held: Record<string, EventField> = {};
    for (const [k, slot] of slots.entries()) {
      const value = record.slots[slot];
      if (value === undefined) continue;
      held[FIELDS[k]!] =
        value instanceof Pseudonyms
          ? Array.from({ length: value.length }, (_, n) => value.text(n))
          : (value as EventField);
    }
    const { 'event.id': id, ...rest } = held;
    log.push({ time: record.time, fields: rest, ...(typeof id === 'string' && { id }) });
  }
  return log;
}

/** The lines of `vigie eval` over the bytes. */
function evaluatedBy(documents: readonly OracleDocument[], { bytes, starts, events }: Workload) {
  const ruleSet = parseRules([{ file: 'bench.yml', text: rulesAsText(documents) }]);
  expect(ruleSet.faults).toEqual([]);
  const evaluator = new Evaluator(ruleSet, { latenessMs: LATENESS_MS, pseudonymKey: PSEUDONYM_KEY });
  for (let i = 0; i < events; i += 1) evaluator.take(bytes, starts[i]!, starts[i + 1]! - 1, i);
  return evaluator.finish().lines;
}
