/**
 * What one event costs a window, by what the window holds: counts, sums and distinct persons over 1, 150, 10,000 and
 * 170,000 values, in order and with 5 % of the events up to 60 s late. Then the rule "150 persons in an hour" on one
 * account that reads 50 a second, by how many distinct persons its hour holds.
 *
 * Records are made by hand (no bytes, no event ids) and go through the engine, so a figure includes everything that an
 * event costs: matching, group, logs, windows. The cost of the same events without any window is measured beside them
 * and subtracted in the second column.
 */

import { mix32 } from '../replay/random.ts';
import { Engine } from '../src/detect/engine.ts';
import { Pseudonyms } from '../src/event/pseudonyms.ts';
import { FieldTable } from '../src/event/record.ts';
import { parseRules } from '../src/sigma/parse-rules.ts';
import type { RuleSet } from '../src/sigma/rule.ts';
import { compare, type Row } from './rounds.ts';
import { NS, type Result, type Section, type Size, type Table } from './section.ts';

const LIVE = [1, 150, 10_000, 170_000];
const STEP_MS = 20;
/** Room in a threshold for late events beside the window's own. */
const SPARE = 100;
const LATENESS_MS = 60_000;
const HOUR_MS = 3_600_000;
const KEY = new Uint8Array(16).fill(7);

type Measure = 'none' | 'count' | 'sum' | 'persons';

interface WindowCase {
  readonly measure: Measure;
  readonly timespanMs: number;
  readonly gte: number;
  /** Number of distinct persons read in rotation; if absent, no person returns. */
  readonly persons?: number;
  readonly late?: boolean;
}

export const windows: Section = {
  name: 'windows',
  about: 'what one event costs a window, by what the window holds',
  run(size) {
    const tables = [false, true].flatMap((late) => {
      const persons = personsRule(late, size);
      return [byMeasure(late, size), persons];
    });
    const [, inOrder, , withLate] = tables;
    return {
      tables,
      goals: [
        goal('150 persons in an hour, in order: 170,000 persons against 1', inOrder!),
        goal('the same with 5 % late', withLate!),
      ],
    };
  },
};

function goal(name: string, { rows }: Table): Result['goals'][number] {
  const costOf = (wanted: string) => rows.find((row) => row.name === wanted)!.figures[NS]!;
  return { name, got: costOf('170,000 persons, again and again') / costOf('1 person'), atMost: 3 };
}

/** Windows of this many events, each with a new value: counted, since the log is longer, but below the threshold. */
function byMeasure(late: boolean, size: Size): Table {
  const cases = (['count', 'sum', 'persons'] as const).flatMap((measure) =>
    LIVE.map((live) => ({
      name: `${measure}, ${live.toLocaleString('en-GB')} in the window`,
      windowCase: { measure, timespanMs: live * STEP_MS, gte: measure === 'sum' ? 1e12 : live + SPARE, late },
    })),
  );
  return table(`windows, ${late ? '5 % late' : 'in order'}, thresholds just out of reach`, cases, late, size);
}

function personsRule(late: boolean, size: Size): Table {
  const common = { measure: 'persons', timespanMs: HOUR_MS, gte: 150, late } as const;
  const cases = [
    ...LIVE.map((persons) => ({
      name: persons === 1 ? '1 person' : `${persons.toLocaleString('en-GB')} persons, again and again`,
      windowCase: { ...common, persons },
    })),
    { name: '180,000 persons, each once', windowCase: common },
    {
      name: '170,000 persons, threshold out of reach',
      windowCase: { ...common, persons: 170_000, gte: 1e9 },
    },
  ];
  return table(
    `150 persons in an hour, 50 events a second, ${late ? '5 % late' : 'in order'}`,
    cases,
    late,
    size,
  );
}

function table(
  title: string,
  cases: readonly { name: string; windowCase: WindowCase }[],
  late: boolean,
  { rounds, quick }: Size,
): Table {
  const events = quick ? 20_000 : 100_000;
  const none: WindowCase = { measure: 'none', timespanMs: HOUR_MS, gte: 1, late };
  const made = [{ name: 'no window', windowCase: none }, ...cases].map(({ name, windowCase }) => ({
    name,
    stream: new OneAccount(windowCase),
  }));
  // Until the windows are full.
  for (const { stream } of made) stream.take(200_000);
  const rows = compare(
    made.map(({ name, stream }) => ({ name, run: () => stream.take(events) })),
    events,
    rounds,
  );
  const [base] = rows;
  return { title, rows: rows.map((row, i) => toTableRow(row, base!, made[i]!.stream)) };
}

function toTableRow({ name, nsPerEvent }: Row, base: Row, stream: OneAccount): Table['rows'][number] {
  return {
    name,
    figures: {
      [NS]: nsPerEvent,
      'without the rest': nsPerEvent - base.nsPerEvent,
      'state bytes': stream.stateBytes,
    },
  };
}

/** An endless sequence of events of one account, into one engine. */
class OneAccount {
  readonly #engine: Engine;
  readonly #record;
  readonly #persons = new Pseudonyms(new Uint32Array(2), 1);
  readonly #windowCase: WindowCase;
  #sent = 0;

  constructor(windowCase: WindowCase) {
    this.#windowCase = windowCase;
    const fields = new FieldTable();
    this.#engine = new Engine({
      ruleSet: rulesOf(windowCase),
      fields,
      hashKey: KEY,
      latenessMs: LATENESS_MS,
    });
    this.#record = fields.newRecord();
    const { slots } = this.#record;
    slots[fields.slot('event.action')] = 'record-view';
    slots[fields.slot('user.id')] = 'u-alone';
    slots[fields.slot('http.response.body.bytes')] = 18_240;
    slots[fields.slot('portal.records.ids')] = this.#persons;
  }

  get stateBytes(): number {
    return this.#engine.size().bytes;
  }

  /** Returns the number of matches. */
  take(events: number): number {
    const engine = this.#engine;
    const record = this.#record;
    const { words } = this.#persons;
    const { persons = Infinity, late = false } = this.#windowCase;
    let matched = 0;
    for (let k = 0; k < events; k += 1) {
      const i = this.#sent++;
      const delayMs = late && i % 20 === 0 ? mix32(i) % LATENESS_MS : 0;
      record.time = 1.75e12 + i * STEP_MS - delayMs;
      const person = persons === Infinity ? i : i % persons;
      words[0] = mix32(person + 0x9e37);
      words[1] = mix32(person ^ 0x5bd1_e995);
      matched += engine.process(record, 0);
      if (i % 1000 === 0) engine.tracker.changed.clear();
    }
    return matched;
  }
}

function rulesOf({ measure, timespanMs, gte }: WindowCase): RuleSet {
  const field = {
    none: '',
    count: '',
    sum: ', field: http.response.body.bytes',
    persons: ', field: portal.records.ids',
  }[measure];
  const type = { none: '', count: 'event_count', sum: 'value_sum', persons: 'value_count' }[measure];
  const read = `title: read
name: read
logsource: {category: application}
detection: {selection: {event.action: record-view}, condition: selection}
`;
  const window = `---
title: window
correlation: {type: ${type}, rules: [read], group-by: [user.id], timespan: 1h, condition: {gte: ${gte}${field}}}
`;
  const ruleSet = parseRules([{ file: 'windows', text: measure === 'none' ? read : read + window }]);
  const [fault] = ruleSet.faults;
  if (fault !== undefined) throw new Error(fault.message);
  // Set here, as it may be shorter than a second.
  return {
    ...ruleSet,
    correlations: ruleSet.correlations.map((rule) => ({ ...rule, timespanMs, resolveTimeoutMs: timespanMs })),
  };
}
