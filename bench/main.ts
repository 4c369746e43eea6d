/**
 * `npm run bench`: from NDJSON bytes to alerts, next to a bare `JSON.parse` loop over the same bytes.
 *
 * Workload: fifteen minutes of the theft of July 2025 (40,000 records) after a Friday of 12,000 accounts, with
 * 1 % disorder and 1 % duplicates, as `vigie replay` generates it. Variants: the bare loop; decoding alone; decoding, rules, windows and alerts
 * with the shipped rules. Then the same events against ever more rules (rules.ts), decoding alone on what is meant
 * to be slow (decode.ts), and the generators (replay.ts). `--json` prints JSON, `--rounds N` changes their number.
 */

import { parseArgs } from 'node:util';
import { generate } from '../replay/index.ts';
import { Engine } from '../src/detect/engine.ts';
import { createDecoder } from '../src/event/create-decoder.ts';
import { FieldTable } from '../src/event/record.ts';
import { loadRules } from '../src/rules-files.ts';
import { decodeBench, printDecode, type DecodeBench } from './decode.ts';
import { generators, type GeneratorRow } from './replay.ts';
import { compare, type Row } from './rounds.ts';
import { manyRules, type ManyRules } from './rules.ts';

const { values } = parseArgs({
  options: {
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
  },
});
const rounds = Number(values.rounds);
const DECODED_EVENTS = 40_000;

interface Workload {
  readonly bytes: Buffer;
  /** Start of each line, and the end of the last. */
  readonly starts: Uint32Array;
  readonly events: number;
}

function workload(): Workload {
  const options = {
    start: '2025-07-11T00:00:00+02:00',
    duration: '2d',
    accounts: 12_000,
    records: 40_000,
    window: '15m',
    disorder: 0.01,
    duplicates: 0.01,
  };
  const chunks: Buffer[] = [];
  let events = 0;
  for (const { bytes, count } of generate('kairos-2025', options).batches()) {
    chunks.push(Buffer.from(bytes));
    events += count;
  }
  const bytes = Buffer.concat(chunks);
  const starts = new Uint32Array(events + 1);
  for (let i = 0, at = 0; i < events; i += 1) {
    starts[i] = at;
    at = bytes.indexOf(10, at) + 1;
  }
  starts[events] = bytes.length;
  return { bytes, starts, events };
}

const { bytes, starts, events } = workload();
const ruleSet = loadRules(['rules']);
const pseudonymKey = new Uint8Array(16).fill(7);

/** A fresh engine, and the fields it asks the decoder for. */
function fieldsOfRules(): { fields: FieldTable; engine: Engine } {
  const fields = new FieldTable();
  return { fields, engine: new Engine({ ruleSet, fields, hashKey: pseudonymKey, latenessMs: 60_000 }) };
}

function grouped(value: number): string {
  return Math.round(value).toLocaleString('en-GB');
}

const bareLoop = (): number => {
  let objects = 0;
  for (let i = 0; i < events; i += 1) {
    if (JSON.parse(bytes.toString('utf8', starts[i], starts[i + 1]! - 1)) !== null) objects += 1;
  }
  return objects;
};

const decodeOnly = (): number => {
  const { fields } = fieldsOfRules();
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey });
  const record = fields.newRecord();
  let decoded = 0;
  for (let i = 0; i < events; i += 1) {
    if (decoder.decode(bytes, starts[i]!, starts[i + 1]! - 1, record) === undefined) decoded += 1;
  }
  return decoded;
};

const wholePath = (): number => {
  const { fields, engine } = fieldsOfRules();
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey });
  const record = fields.newRecord();
  for (let i = 0; i < events; i += 1) {
    if (decoder.decode(bytes, starts[i]!, starts[i + 1]! - 1, record) === undefined)
      engine.process(record, 0);
  }
  let opened = 0;
  for (const count of engine.tracker.opened.values()) opened += count;
  if (opened === 0) throw new Error('the theft was not caught: the benchmark measures nothing');
  return opened;
};

const rows = compare(
  [
    { name: 'bare JSON.parse of each line', run: bareLoop },
    { name: 'decode', run: decodeOnly },
    { name: `decode, ${ruleSet.correlations.length} rules, windows, alerts`, run: wholePath },
  ],
  events,
  rounds,
);
print(rows, manyRules(rounds), decodeBench(DECODED_EVENTS, rounds), generators());

function print(
  results: readonly Row[],
  many: ManyRules,
  decode: readonly DecodeBench[],
  replay: readonly GeneratorRow[],
): void {
  if (values.json) {
    console.log(
      JSON.stringify({ events, bytes: bytes.length, rounds, rows: results, manyRules: many, decode, replay }),
    );
    return;
  }
  console.log(
    `${grouped(events)} events, ${grouped(bytes.length / events)} bytes each, ${rounds} interleaved rounds, CPU time\n`,
  );
  table(results);
  console.log(`\n${grouped(many.events)} events decoded and matched, all fields present, ever more rules\n`);
  table(many.rows);
  console.log(`\n${grouped(many.loadMs)} ms CPU to parse, check and compile ${grouped(many.loaded)} rules\n`);
  printDecode(decode);
  console.log(`\ngenerators, each alone\n\n${'events/s'.padStart(12)}${'bytes'.padStart(8)}`);
  for (const row of replay) {
    console.log(
      `${grouped(row.eventsPerCpuSecond).padStart(12)}${grouped(row.bytesPerEvent).padStart(8)}  ${row.generator}`,
    );
  }
}

function table(rows: readonly Row[]): void {
  console.log(`${'ns/event'.padStart(9)}${'events/s'.padStart(12)}${'ratio'.padStart(8)}`);
  for (const row of rows) {
    console.log(
      `${grouped(row.nsPerEvent).padStart(9)}${grouped(row.eventsPerSecond).padStart(12)}${row.ratio.toFixed(2).padStart(7)}×  ${row.name}`,
    );
  }
}
