/**
 * Random logs, drawn where windows break: small whole seconds with many ties, events exactly one
 * timespan apart and a millisecond beside it, arrivals out of order up to the lateness or beyond it, copies,
 * absent, null, empty and list fields, latenesses shorter and longer than the window.
 *
 * fast-check shrinks a failing case and prints it with its seed; a case prints as the rule file and the NDJSON
 * that reproduce it with `vigie eval`.
 */

import * as fc from 'fast-check';
import { stringify } from 'yaml';
import type { EventField, OracleDocument, OracleEvent } from './documents.ts';
import { BASE_RULES, RULE_FAMILIES, type Family } from './random-rules.ts';

export interface Case {
  readonly documents: readonly OracleDocument[];
  readonly latenessMs: number;
  readonly log: readonly OracleEvent[];
  /** The same events in another order of arrival that the lateness allows. */
  readonly reordered: readonly OracleEvent[];
}

/** Cases in the ordinary run; ORACLE_RUNS raises it. */
const runs = Number(process.env['ORACLE_RUNS'] ?? 200);

/** For one test of that many cases, on a busy machine. */
export const timeoutMs = 30_000 + runs * 100;

const START_MS = Date.parse('2025-07-12T21:00:00Z');

export const rulesAsText = (documents: readonly OracleDocument[]): string =>
  documents.map((document) => stringify(document)).join('---\n');

export const eventAsText = ({ time, id, fields }: OracleEvent): string =>
  JSON.stringify({ '@timestamp': new Date(time).toISOString(), 'event.id': id, ...fields });

/** A date so many seconds after the start, before or after the events of the log. */
function startedText(seconds: number): string {
  return new Date(START_MS + seconds * 1_000).toISOString();
}

/** One event before it has a time of its own. Gaps add up, so whole timespans apart is common. */
const step = fc.record({
  gap: fc.constantFrom(0, 0, 0, 0, 1, 1, 1, 2, 2, 3, 5, 8, 13),
  jitterMs: fc.constantFrom(0, 0, 0, 0, 0, 0, 1, -1),
  hasId: fc.constantFrom(true, true, true, false),
  /** How long after the event each copy of it arrives: before the engine may have forgotten the id. */
  copySeconds: fc.oneof(
    { weight: 8, arbitrary: fc.constant<number[]>([]) },
    { weight: 1, arbitrary: fc.array(fc.integer({ min: 0, max: 90 }), { minLength: 1, maxLength: 2 }) },
  ),
  /** Quarters of the allowed lateness. */
  delays: fc.tuple(fc.integer({ min: 0, max: 4 }), fc.integer({ min: 0, max: 4 })),
  ties: fc.tuple(fc.integer({ min: 0, max: 9 }), fc.integer({ min: 0, max: 9 })),
  overdueQuarters: fc.constantFrom(0, 0, 0, 1, 4, 9),
  fields: fc.record(
    {
      action: fc.constantFrom('read', 'read', 'read', 'READ', 'write', 'edit', 'login', 'logout'),
      user: fc.constantFrom<EventField[]>(
        'a',
        'a',
        'a',
        'b',
        'A',
        'c',
        '',
        5,
        '5',
        null,
        ['a', 'b'],
        ['b', 'b'],
        [],
      ),
      org: fc.constantFrom<EventField[]>('o1', 'o1', 'o2', null, ['o1', 'o2']),
      person: fc.constantFrom<EventField[]>(
        'p1',
        'p2',
        'p3',
        'p4',
        7,
        '7',
        null,
        ['p1', 'p2'],
        ['p5', 'p5'],
        [],
      ),
      bytes: fc.oneof(
        {
          weight: 6,
          arbitrary: fc.constantFrom<EventField[]>(0, 1, 2, 3, 5, 8, '4', 'many', null, [1, 2], []),
        },
        // Which do not add up without rounding.
        { weight: 1, arbitrary: fc.constantFrom<EventField[]>(0.1, 0.2, '0.7') },
      ),
      size: fc.constantFrom('big', 'small'),
      started: fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: -5, max: 60 }).map(startedText) },
        {
          weight: 1,
          arbitrary: fc.constantFrom<EventField[]>('soon', null, START_MS, [startedText(50), startedText(1)]),
        },
      ),
    },
    { requiredKeys: ['action'] },
  ),
});

type Step = typeof step extends fc.Arbitrary<infer Drawn> ? Drawn : never;

/** `late`: some events arrive after the watermark has passed them. `events`: at most so many, copies aside. */
export function cases(family: Family, { late = false, events = 40 } = {}): fc.Arbitrary<Case> {
  return fc
    .record({
      drafts: RULE_FAMILIES[family],
      latenessSeconds: fc.constantFrom(0, 1, 2, 5, 10, 60),
      /** One gap; at the slow pace whole timespans apart is common, at the fast one windows hold many events. */
      paceMs: fc.constantFrom(1_000, 1_000, 1_000, 50),
      steps: fc.array(step, { minLength: 1, maxLength: events, size: 'max' }),
    })
    .map(({ drafts, latenessSeconds, paceMs, steps }) => {
      const latenessMs = latenessSeconds * 1_000;
      const correlations = drafts.map((document, i) => ({
        title: `Correlation ${i}`,
        name: `c${i}`,
        ...document,
      }));
      const documents = [...BASE_RULES, ...correlations];
      const log = arrange(steps, { draw: 0, paceMs, latenessMs, late });
      const printed = `${rulesAsText(documents)}\n${log.map(eventAsText).join('\n')}\nlateness ${latenessSeconds}s`;
      return {
        documents,
        latenessMs,
        log,
        reordered: arrange(steps, { draw: 1, paceMs, latenessMs, late }),
        [fc.toStringMethod]: () => printed,
      };
    });
}

/** An event that arrives at most the lateness after its time is never older than the watermark. */
function arrange(
  steps: readonly Step[],
  { draw, paceMs, latenessMs, late }: { draw: 0 | 1; paceMs: number; latenessMs: number; late: boolean },
): OracleEvent[] {
  const arrivals: { at: number; tie: number; event: OracleEvent }[] = [];
  let clock = START_MS;
  for (const [
    index,
    { gap, jitterMs, hasId, copySeconds, delays, ties, overdueQuarters, fields },
  ] of steps.entries()) {
    clock += gap * paceMs;
    const time = clock + jitterMs;
    const quarters = delays[draw] + (late ? overdueQuarters : 0);
    const at = time + (quarters * latenessMs) / 4;
    const event = { time, ...(hasId ? { id: `e${index}` } : {}), fields };
    arrivals.push({ at, tie: ties[draw], event });
    if (hasId) arrivals.push(...copySeconds.map((delay) => ({ at: at + delay * 1_000, tie: 10, event })));
  }
  return arrivals.sort((a, b) => a.at - b.at || a.tie - b.tie).map(({ event }) => event);
}

/** Checks a property on `share` of the configured number of cases. A failure is shrunk while there is time. */
export function forAll<T extends Case>(
  arbitrary: fc.Arbitrary<T>,
  share: number,
  property: (one: T) => void,
): void {
  fc.assert(fc.property(arbitrary, property), {
    numRuns: Math.ceil(runs * share),
    interruptAfterTimeLimit: timeoutMs - 5_000,
    markInterruptAsFailure: true,
  });
}
