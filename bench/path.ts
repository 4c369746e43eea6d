/**
 * The whole path: bytes → lines → records → windows → alert rows, as in `vigie run` but without source and sink.
 * Changed alerts are rendered once per chunk, as for a flush.
 */

import { createHash } from 'node:crypto';

import { renderAlert } from '../src/alert/episode.ts';
import { Engine } from '../src/detect/engine.ts';
import { createDecoder } from '../src/event/create-decoder.ts';
import type { DecoderOptions } from '../src/event/decoder-options.ts';
import type { Decoder } from '../src/event/decoder.ts';
import { LineSplitter } from '../src/event/lines.ts';
import { FieldTable } from '../src/event/record.ts';
import { loadRules } from '../src/files/rule-files.ts';
import type { RuleSet } from '../src/sigma/rule.ts';
import { LATENESS_MS } from './workload.ts';

export const PSEUDONYM_KEY = new Uint8Array(16).fill(7);
/** What a file or a broker delivers at once. */
const CHUNK_BYTES = 1 << 20;

export interface Passed {
  /** Final state of every alert as JSON, sorted. */
  readonly alerts: readonly string[];
  /** Lines that are not events. */
  readonly deadLetters: number;
  readonly stateBytes: number;
  readonly groups: number;
  readonly evictions: number;
}

/** Rules of this folder (`rules/NAME.yml`), or the repository's own (`shipped`). */
export function rulesNamed(...names: readonly string[]): RuleSet {
  const paths = names.map((name) =>
    name === 'shipped' ? inRepository('../rules') : inRepository(`rules/${name}.yml`),
  );
  const ruleSet = loadRules(paths);
  const [fault] = ruleSet.faults;
  if (fault !== undefined) throw new Error(`${fault.file}:${fault.line}: ${fault.message}`);
  return ruleSet;
}

export function inRepository(path: string): string {
  return new URL(path, import.meta.url).pathname;
}

export function passOver(
  bytes: Uint8Array,
  ruleSet: RuleSet,
  create: (options: DecoderOptions) => Decoder = createDecoder,
): Passed {
  const fields = new FieldTable();
  const engine = new Engine({ ruleSet, fields, hashKey: PSEUDONYM_KEY, latenessMs: LATENESS_MS });
  const decoder = create({ fields, timeRequired: true, pseudonymKey: PSEUDONYM_KEY });
  const record = fields.newRecord();
  const splitter = new LineSplitter();
  const alerts = new Map<string, string>();
  let deadLetters = 0;

  const take = (data: Uint8Array, start: number, end: number): void => {
    if (decoder.decode(data, start, end, record) === undefined) engine.process(record, 0);
    else deadLetters += 1;
  };
  const flush = (): void => {
    const { changed } = engine.tracker;
    for (const episode of changed)
      alerts.set(episode.alertId, JSON.stringify(renderAlert(episode, 0, engine.evidence)));
    changed.clear();
  };
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    splitter.push(bytes.subarray(from, from + CHUNK_BYTES), take);
    flush();
  }
  splitter.finish(take);
  engine.finish();
  flush();
  const { bytes: stateBytes, groups } = engine.size();
  const evictions = Math.max(0, ...engine.counts.evictions.values());
  return { alerts: [...alerts.values()].sort(), deadLetters, stateBytes, groups, evictions };
}

/** Decodes for these rules and discards the records. Returns the number of events. */
export function decodeAll(bytes: Uint8Array, ruleSet: RuleSet): number {
  const fields = new FieldTable();
  void new Engine({ ruleSet, fields, hashKey: PSEUDONYM_KEY, latenessMs: LATENESS_MS });
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: PSEUDONYM_KEY });
  const record = fields.newRecord();
  const splitter = new LineSplitter();
  let decoded = 0;
  const take = (data: Uint8Array, start: number, end: number): void => {
    if (decoder.decode(data, start, end, record) === undefined) decoded += 1;
  };
  for (let from = 0; from < bytes.length; from += CHUNK_BYTES) {
    splitter.push(bytes.subarray(from, from + CHUNK_BYTES), take);
  }
  splitter.finish(take);
  return decoded;
}

/** A number derived from what was found, to check that passes agree. */
export function proofOf({ alerts, deadLetters }: Passed): number {
  const hash = createHash('sha256').update(`${deadLetters}\n${alerts.join('\n')}`);
  return hash.digest().readUIntBE(0, 6);
}
