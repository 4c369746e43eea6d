/**
 * Bytes → alerts on the usual workload, beside a bare `JSON.parse` loop over the same bytes and beside what one would
 * write for these rules in an afternoon. Before anything is timed, both decoders must give the same alerts.
 */

import { generate } from '../replay/index.ts';
import { createDecoder } from '../src/event/create-decoder.ts';
import { JsonParseDecoder } from '../src/event/json-parse-decoder.ts';
import type { RuleSet } from '../src/sigma/rule.ts';
import { NAIVE, naivePass } from './naive.ts';
import { decodeAll, type Passed, passOver, proofOf, rulesNamed } from './path.ts';
import { compare, type Row, type Variant } from './rounds.ts';
import { type Goal, NS, type Result, type Section, type Size, type TableRow } from './section.ts';
import { usual, type Workload } from './workload.ts';

/** 22 minutes at 185 events a second: at the end, the thief's hour holds 57,000 persons. */
const EVENTS = 250_000;

export const wholePath: Section = {
  name: 'path',
  about: 'bytes to alerts, beside a bare JSON.parse loop over the same bytes',
  run(size) {
    const events = size.quick ? EVENTS / 4 : EVENTS;
    const one = measured('one person an event', usual({ events }), size, [
      ['three rules', rulesNamed('three'), 'three'],
      ['shipped rules', rulesNamed('shipped'), undefined],
    ]);
    const several = measured('2.65 persons an event', usual({ events, ids: 'several' }), size, [
      [
        'three rules, persons by account and by organisation',
        rulesNamed('three', 'organisations'),
        'organisations',
      ],
      ['three rules, persons by account in an hour and in a day', rulesNamed('three', 'days'), 'days'],
      ['shipped rules', rulesNamed('shipped'), undefined],
    ]);
    const replayed = measured('as vigie replay writes the theft of July 2025', july2025(events), size, [
      ['shipped rules', rulesNamed('shipped'), undefined],
    ]);
    const goals: Goal[] = [
      {
        name: 'one person an event, three rules, × the bare loop',
        got: ratioOf(one, 'three rules'),
        atLeast: 4,
      },
      {
        name: 'one person an event, shipped rules, × the bare loop',
        got: ratioOf(one, 'shipped rules'),
        atLeast: 4,
      },
      {
        name: '2.65 persons into two windows, × the bare loop',
        got: ratioOf(several, 'three rules, persons by account and by organisation'),
        atLeast: 2.5,
      },
    ];
    return { tables: [one, several, replayed], goals };
  },
};

type RuleCase = readonly [name: string, ruleSet: RuleSet, naive: string | undefined];

function measured(
  title: string,
  log: Workload,
  { rounds }: Size,
  cases: readonly RuleCase[],
): Result['tables'][number] {
  const passes = new Map<string, Passed>();
  const variants: Variant[] = [
    { name: 'bare JSON.parse of each line', run: () => parseAll(log) },
    {
      name: 'decode for the shipped rules, nothing else',
      run: () => decodeAll(log.bytes, rulesNamed('shipped')),
    },
  ];
  for (const [name, ruleSet, naive] of cases) {
    sameAlertsFromBothDecoders(log, ruleSet);
    variants.push({
      name,
      run: () => {
        const passed = passOver(log.bytes, ruleSet);
        passes.set(name, passed);
        if (passed.alerts.length === 0)
          throw new Error('the theft was not caught: the benchmark measures nothing');
        return proofOf(passed);
      },
    });
    if (naive !== undefined)
      variants.push({ name: `naive, ${name}`, run: () => naivePass(log, NAIVE[naive]!) });
  }
  const rows = compare(variants, log.events, rounds);
  const bytesEach = Math.round(log.bytes.length / log.events);
  return {
    title: `${title}: ${log.events.toLocaleString('en-GB')} events of ${bytesEach} bytes`,
    rows: rows.map((row) => toTableRow(row, passes.get(row.name))),
  };
}

function toTableRow(row: Row, passed: Passed | undefined): TableRow {
  const { name, nsPerEvent, eventsPerSecond, ratio, lowest, highest } = row;
  return {
    name,
    figures: {
      [NS]: nsPerEvent,
      'events/CPU s': eventsPerSecond,
      '× bare': ratio,
      lowest,
      highest,
      ...(passed !== undefined && {
        alerts: passed.alerts.length,
        'state bytes/group': passed.stateBytes / passed.groups,
        groups: passed.groups,
      }),
    },
  };
}

function ratioOf({ rows }: Result['tables'][number], name: string): number {
  return rows.find((row) => row.name === name)!.figures['× bare']!;
}

export function sameAlertsFromBothDecoders({ name, bytes }: Workload, ruleSet: RuleSet): void {
  const fast = passOver(bytes, ruleSet, createDecoder);
  const plain = passOver(bytes, ruleSet, (options) => new JsonParseDecoder(options));
  if (proofOf(fast) !== proofOf(plain)) throw new Error(`${name}: the two decoders give different alerts`);
}

function parseAll({ bytes, starts, events }: Workload): number {
  let objects = 0;
  for (let i = 0; i < events; i += 1) {
    try {
      if (typeof JSON.parse(bytes.toString('utf8', starts[i], starts[i + 1]! - 1)) === 'object') objects += 1;
    } catch {
      // An event that does not parse is not counted.
    }
  }
  return objects;
}

/**
 * Fifteen minutes of the theft (40,000 persons), after a Friday with as many accounts as yield the number of events.
 */
function july2025(events: number): Workload {
  const chunks: Buffer[] = [];
  let written = 0;
  const options = {
    start: '2025-07-11T00:00:00+02:00',
    duration: '2d',
    accounts: Math.round(events / 40),
    records: 40_000,
    window: '15m',
    disorder: 0.01,
    duplicates: 0.01,
  };
  for (const { bytes, count } of generate('kairos-2025', options).batches()) {
    chunks.push(Buffer.from(bytes));
    written += count;
  }
  const bytes = Buffer.concat(chunks);
  const starts = new Uint32Array(written + 1);
  for (let i = 0; i < written; i += 1) starts[i + 1] = bytes.indexOf(10, starts[i]) + 1;
  return { name: 'July 2025', bytes, starts, events: written };
}
