/**
 * Decoding: a bare `JSON.parse` loop over the same bytes against the reference decoder and the scanner, on the
 * usual mix and on what is meant to be slow. One decoder does all passes of a workload, as in a process that lives.
 *
 * `node bench/decode.ts [--rounds N] [--events N] [--only TEXT]`; part of `npm run bench`.
 */

import { parseArgs } from 'node:util';
import { pathToFileURL } from 'node:url';

import { createDecoder } from '../src/event/create-decoder.ts';
import type { DecoderOptions } from '../src/event/decoder-options.ts';
import type { Decoder } from '../src/event/decoder.ts';
import { JsonParseDecoder } from '../src/event/json-parse-decoder.ts';
import { FieldTable } from '../src/event/record.ts';
import { decodeWorkloads, type DecodeWorkload } from './decode-workloads.ts';
import { compare, type Row } from './rounds.ts';

export interface DecodeBench {
  readonly workload: string;
  readonly events: number;
  readonly bytesPerEvent: number;
  /** The bare loop, the reference decoder, the scanner. */
  readonly rows: readonly Row[];
}

/** What a rule set over accounts, organisations, sources and persons asks for. */
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

export function decodeBench(events: number, rounds: number, only = ''): DecodeBench[] {
  return decodeWorkloads(events, 1)
    .filter(({ name }) => name.includes(only))
    .map((workload) => {
      const count = workload.offsets.length - 1;
      const rows = compare(
        [
          { name: 'bare JSON.parse', run: () => parseAll(workload) },
          {
            name: 'reference decoder',
            run: passOver(workload, (options) => new JsonParseDecoder(options)),
          },
          { name: 'scanner', run: passOver(workload, createDecoder) },
        ],
        count,
        rounds,
      );
      // The bare loop also takes events that have no time, or an object where an id should be.
      const [, reference, scanner] = rows.map(({ proof }) => proof);
      if (reference !== scanner) {
        throw new Error(
          `${workload.name}: the reference accepts ${reference} events, the scanner ${scanner}`,
        );
      }
      return { workload: workload.name, events: count, bytesPerEvent: workload.bytes.length / count, rows };
    });
}

function parseAll({ bytes, offsets }: DecodeWorkload): number {
  let parsed = 0;
  for (let i = 0; i + 1 < offsets.length; i++) {
    try {
      if (typeof JSON.parse(bytes.toString('utf8', offsets[i], offsets[i + 1])) === 'object') parsed++;
    } catch {
      // Counted by not being counted.
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

export function printDecode(results: readonly DecodeBench[]): void {
  console.log('Decoding, × the bare JSON.parse loop over the same bytes\n');
  console.log(`${'parse ns'.padStart(9)}${'reference'.padStart(11)}${'scanner'.padStart(9)}   workload`);
  for (const { workload, rows } of results) {
    const [bare, reference, scanner] = rows;
    console.log(
      `${bare!.nsPerEvent.toFixed(0).padStart(9)}${reference!.ratio.toFixed(2).padStart(10)}×${scanner!.ratio.toFixed(2).padStart(8)}×   ${workload}`,
    );
  }
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const { values } = parseArgs({
    options: {
      rounds: { type: 'string', default: '7' },
      events: { type: 'string', default: '100000' },
      only: { type: 'string', default: '' },
    },
  });
  printDecode(decodeBench(Number(values.events), Number(values.rounds), values.only));
}
