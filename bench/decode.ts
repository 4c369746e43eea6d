/**
 * Decoding: a bare `JSON.parse` loop over the same bytes against the reference decoder and the scanner, on the usual
 * mix and on events meant to be slow. One decoder does all passes of a workload, as in a long-lived process.
 *
 * Part of `npm run bench`; alone: `node bench/decode.ts [--rounds N] [--events N] [--only TEXT]`.
 */

import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';

import { createDecoder } from '../src/event/create-decoder.ts';
import type { DecoderOptions } from '../src/event/decoder-options.ts';
import type { Decoder } from '../src/event/decoder.ts';
import { JsonParseDecoder } from '../src/event/json-parse-decoder.ts';
import { FieldTable } from '../src/event/record.ts';
import { decodeWorkloads, type DecodeWorkload } from './decode-workloads.ts';
import { compare } from './rounds.ts';
import { NS, printResult, type Section, type Table, type TableRow } from './section.ts';

/** Fields that a rule set over accounts, organisations, sources and persons uses. */
const WANTED = [
  'event.id',
  'event.action',
  'event.outcome',
  'user.id',
  'user.roles',
  'organization.id',
  'source.ip',
  'service.name',
  'http.response.body.bytes',
  'portal.records.count',
  'portal.records.ids',
  'portal.app.lifecycle',
];

const EVENTS = 40_000;

export const decode: Section = {
  name: 'decode',
  about: 'bytes to records, beside a bare JSON.parse loop over the same bytes',
  run({ rounds, quick }) {
    const table = decoding(quick ? EVENTS / 4 : EVENTS, rounds);
    const ratioOf = (name: string) => table.rows.find((row) => row.name === name)!.figures['× bare']!;
    const worst = Math.min(...table.rows.map(({ figures }) => figures['× bare']!));
    return {
      tables: [table],
      goals: [
        { name: 'decode, usual mix, × the bare loop', got: ratioOf('usual mix'), atLeast: 7 },
        {
          name: 'decode, random key order, × the bare loop',
          got: ratioOf('random key order at every level'),
          atLeast: 4,
        },
        { name: 'decode, the worst of all, × the bare loop', got: worst, atLeast: 0.8 },
      ],
    };
  },
};

/** `only`: just the workloads whose names contain this. */
function decoding(events: number, rounds: number, only = ''): Table {
  return {
    title: 'decoding twelve fields, the scanner (and the reference) beside a bare JSON.parse of each event',
    rows: decodeWorkloads(events, 1)
      .filter(({ name }) => name.includes(only))
      .map((workload) => measured(workload, rounds)),
  };
}

function measured(workload: DecodeWorkload, rounds: number): TableRow {
  const count = workload.offsets.length - 1;
  const rows = compare(
    [
      { name: 'bare JSON.parse', run: () => parseAll(workload) },
      { name: 'reference decoder', run: passOver(workload, (options) => new JsonParseDecoder(options)) },
      { name: 'scanner', run: passOver(workload, createDecoder) },
    ],
    count,
    rounds,
  );
  const [bare, reference, scanner] = rows;
  // The bare loop also accepts events that lack a time, or have an object in place of an id.
  if (reference!.proof !== scanner!.proof) {
    throw new Error(
      `${workload.name}: the reference accepts ${reference!.proof} events, the scanner ${scanner!.proof}`,
    );
  }
  return {
    name: workload.name,
    figures: {
      [NS]: scanner!.nsPerEvent,
      '× bare': scanner!.ratio,
      lowest: scanner!.lowest,
      highest: scanner!.highest,
      'reference × bare': reference!.ratio,
      'bare ns': bare!.nsPerEvent,
      'bytes/event': Math.round(workload.bytes.length / count),
    },
  };
}

function parseAll({ bytes, offsets }: DecodeWorkload): number {
  let parsed = 0;
  for (let i = 0; i + 1 < offsets.length; i++) {
    try {
      if (typeof JSON.parse(bytes.toString('utf8', offsets[i], offsets[i + 1])) === 'object') parsed++;
    } catch {
      // An event that does not parse is not counted.
    }
  }
  return parsed;
}

function passOver(
  { bytes, offsets }: DecodeWorkload,
  create: (options: DecoderOptions) => Decoder,
): () => number {
  const fields = new FieldTable();
  for (const path of WANTED) fields.slot(path);
  const decoder = create({ fields, timeRequired: true, pseudonymKey: new Uint8Array(16) });
  const record = fields.newRecord();
  return () => {
    let decoded = 0;
    for (let i = 0; i + 1 < offsets.length; i++) {
      if (decoder.decode(bytes, offsets[i]!, offsets[i + 1]!, record) === undefined) decoded++;
    }
    return decoded;
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
      events: { type: 'string', default: '100000' },
      only: { type: 'string', default: '' },
    },
  });
  printResult({ tables: [decoding(Number(values.events), Number(values.rounds), values.only)], goals: [] });
}
