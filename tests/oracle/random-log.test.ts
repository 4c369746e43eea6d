/** The random cases must contain what they are there for; otherwise agreement on them proves nothing. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { evaluate } from './oracle.ts';
import { cases, type Case } from './random-log.ts';
import { FAMILIES, type Family } from './random-rules.ts';

const sample = (family: Family, late: boolean): Case[] =>
  fc.sample(cases(family, { late }), { numRuns: 200, seed: 1 });

const share = (drawn: readonly Case[], property: (drawn: Case) => boolean): number =>
  drawn.filter(property).length / drawn.length;

/** A rule's group as text. */
const key = ({ rule, group }: { rule: string; group: object }): string => rule + JSON.stringify(group);

/** Whether an event, not only a copy of one, arrives after the watermark has passed it. */
function overdue({ log, latenessMs }: Case): boolean {
  let newest = -Infinity;
  const ids = new Set<string>();
  return log.some(({ time, id }) => {
    const copy = id !== undefined && ids.has(id);
    if (id !== undefined) ids.add(id);
    const late = !copy && time < newest - latenessMs;
    newest = Math.max(newest, time);
    return late;
  });
}

/** A copy is only sure to be recognised until the watermark is so far past the event. */
const COPIES_MS = 600_000;

/** The copies of events, each with how far the watermark is past it: negative while it is before. */
function copiesOf({ log, latenessMs }: Case): number[] {
  let newest = -Infinity;
  const ids = new Set<string>();
  return log.flatMap(({ time, id }) => {
    const copy = id !== undefined && ids.has(id);
    if (id !== undefined) ids.add(id);
    const watermark = newest - latenessMs;
    newest = Math.max(newest, time);
    return copy ? [watermark - time] : [];
  });
}

describe.each(FAMILIES)('random %s', (family) => {
  const drawn = sample(family, false);
  const verdicts = new Map(drawn.map((one) => [one, evaluate(one.documents, one.log, one)]));

  test('fire in many cases and stay silent in some', () => {
    const firing = share(drawn, (one) => verdicts.get(one)!.firings.length > 0);
    expect(firing).toBeGreaterThan(0.3);
    expect(firing).toBeLessThan(0.99);
  });

  test('have several episodes of one group, some resolved and some still firing', () => {
    const repeated = share(drawn, (one) => {
      const { firings } = verdicts.get(one)!;
      return new Set(firings.map(key)).size < firings.length;
    });
    const alerts = [...verdicts.values()].flatMap((verdict) => verdict.alerts);
    expect(repeated).toBeGreaterThan(0.05);
    expect(alerts.some(({ status }) => status === 'firing')).toBe(true);
    expect(alerts.some(({ status }) => status === 'resolved')).toBe(true);
  });

  test('bring copies, also behind the watermark, but none that nobody need recognise', () => {
    const ages = sample(family, true).flatMap(copiesOf);
    expect(ages.some((age) => age > 0)).toBe(true);
    expect(Math.max(...ages)).toBeLessThan(COPIES_MS);
  });

  test('arrive out of order but never late, unless late ones are asked for', () => {
    expect(share(drawn, overdue)).toBe(0);
    expect(share(sample(family, true), overdue)).toBeGreaterThan(0.3);
    expect(
      share(drawn, ({ log }) => log.some(({ time }, i) => time < (log[i - 1]?.time ?? time))),
    ).toBeGreaterThan(0.5);
  });
});
