/**
 * Decoding: a bare `JSON.parse` loop over the same bytes against the reference decoder and the scanner.
 *
 * Rounds are interleaved and CPU time of the whole process is counted (collector and compiler threads too),
 * so only the ratios within one run mean something: the machine's speed and its other load cancel out.
 * Run: `node bench/decode.ts`.
 */

import { pathToFileURL } from 'node:url';

import { createDecoder } from '../src/event/create-decoder.ts';
import type { DecoderOptions } from '../src/event/decoder-options.ts';
import type { Decoder } from '../src/event/decoder.ts';
import { JsonParseDecoder } from '../src/event/json-parse-decoder.ts';
import { FieldTable } from '../src/event/record.ts';

export interface DecodeBenchOptions {
  readonly events: number;
  readonly rounds: number;
  readonly seed: number;
}

export interface DecodeBenchRow {
  readonly name: string;
  /** Median over the rounds, CPU time. */
  readonly nsPerEvent: number;
  /** Events per CPU second against the bare `JSON.parse` loop: median of the ratios within a round. */
  readonly speedup: number;
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

export function run({ events, rounds, seed }: DecodeBenchOptions): DecodeBenchRow[] {
  const { bytes, offsets } = generate(events, seed);
  const decodeWith = (create: (options: DecoderOptions) => Decoder) => {
    const fields = new FieldTable();
    for (const path of WANTED) fields.slot(path);
    const decoder = create({ fields, timeRequired: true, pseudonymKey: new Uint8Array(16) });
    const record = fields.newRecord();
    return () => {
      let decoded = 0;
      for (let i = 0; i < events; i++) {
        if (decoder.decode(bytes, offsets[i]!, offsets[i + 1]!, record) === undefined) decoded++;
      }
      return decoded;
    };
  };
  const contenders: [string, () => number][] = [
    ['JSON.parse, nothing else', () => parseAll(bytes, offsets)],
    ['reference decoder', decodeWith((options) => new JsonParseDecoder(options))],
    ['scanner', decodeWith(createDecoder)],
  ];
  for (const [name, decodeAll] of contenders) {
    const decoded = decodeAll(); // also warms up
    if (decoded !== events) throw new Error(`${name} decoded ${decoded} of ${events} events`);
  }
  const times = Array.from({ length: rounds }, () => contenders.map(([, decodeAll]) => cpuNs(decodeAll)));
  return contenders.map(([name], i) => ({
    name,
    nsPerEvent: median(times.map((round) => round[i]! / events)),
    speedup: median(times.map((round) => round[0]! / round[i]!)),
  }));
}

function parseAll(bytes: Buffer, offsets: readonly number[]): number {
  let parsed = 0;
  for (let i = 0; i + 1 < offsets.length; i++) {
    const event: unknown = JSON.parse(bytes.toString('utf8', offsets[i], offsets[i + 1]));
    if (typeof event === 'object') parsed++;
  }
  return parsed;
}

function cpuNs(work: () => unknown): number {
  const before = process.cpuUsage();
  work();
  const used = process.cpuUsage(before);
  return (used.user + used.system) * 1000;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}

/** ECS events of about 500 bytes; one in ten with shuffled keys, some spaced, escaped or not ASCII. */
function generate(events: number, seed: number): { bytes: Buffer; offsets: number[] } {
  const random = randomFrom(seed);
  const below = (n: number) => Math.floor(random() * n);
  const pick = <T>(values: readonly T[]): T => values[below(values.length)]!;
  const offsets = [0];
  const texts: string[] = [];
  let size = 0;
  for (let i = 0; i < events; i++) {
    const user = below(10_000);
    const time = new Date(Date.UTC(2025, 6, 12, 9) + i * 20).toISOString();
    const structure = below(400);
    let event: Record<string, unknown> = {
      '@timestamp': time,
      event: {
        id: `01K0${(i * 7919).toString(32).toUpperCase().padStart(10, '0')}${below(2 ** 30)
          .toString(32)
          .padStart(12, '0')}`,
        category: ['web'],
        type: ['access'],
        action: pick(['record-view', 'record-list', 'record-search', 'login']),
        outcome: 'success',
      },
      user: { id: `u-${user.toString(16).padStart(4, '0')}`, roles: ['conseiller_cap_emploi'] },
      organization: {
        id: `130005481${String(structure).padStart(5, '0')}`,
        ...(random() < 0.1 && { name: random() < 0.5 ? 'Mission locale de l’Isère' : 'Cap emploi' }),
      },
      source: { ip: `203.0.${user % 113}.${user % 251}` },
      http: { request: { method: 'GET' }, response: { status_code: 200, body: { bytes: below(40_000) } } },
      url: { path: pick(['/recherche', '/dossier', '/liste']) },
      service: { name: pick(['kairos', 'ouiform']) },
      portal: {
        session: { id: `s-${(user * 31).toString(16).padStart(8, '0')}` },
        records: {
          count: 1 + below(4),
          ids: Array.from({ length: 1 + below(4) }, () => `00${below(340_000)}A`),
          structures: [`ML${String(structure % 100).padStart(3, '0')}`],
        },
        app: { lifecycle: 'active' },
      },
    };
    if (random() < 0.1) event = Object.fromEntries(Object.entries(event).sort(() => random() - 0.5));
    let text = JSON.stringify(event, null, random() < 0.05 ? 1 : 0).replaceAll('\n', '');
    if (random() < 0.05) text = text.replaceAll('/', '\\/');
    texts.push(text);
    size += Buffer.byteLength(text);
    offsets.push(size);
  }
  return { bytes: Buffer.from(texts.join('')), offsets };
}

/** mulberry32 */
function randomFrom(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const events = 100_000;
  for (const row of run({ events, rounds: 7, seed: 1 })) {
    console.log(
      `${row.name.padEnd(28)}${row.nsPerEvent.toFixed(0).padStart(8)} ns/event${row.speedup.toFixed(2).padStart(8)} ×`,
    );
  }
}
