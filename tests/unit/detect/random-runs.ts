/** Random rules and logs that cross thresholds, go quiet, revisit and arrive out of order, from a seed. */

import { type RuleSketch, type Sent, randomOf } from './harness.ts';

export interface RandomRun {
  readonly rules: readonly RuleSketch[];
  readonly latenessMs: number;
  /** In order of arrival. */
  readonly log: readonly Sent[];
}

export interface RandomRunOptions {
  /** Some events arrive after the watermark has passed them. */
  readonly late?: boolean;
  /** Some rules resolve sooner than their window is over. */
  readonly shortTimeouts?: boolean;
  /** At most so many events. */
  readonly events?: number;
}

export function randomRun(
  seed: number,
  { late = false, shortTimeouts = false, events = 900 }: RandomRunOptions = {},
): RandomRun {
  const below = randomOf(seed);
  const pick = <T>(...choices: readonly T[]): T => choices[below(choices.length)]!;
  const baseMs = pick(20, 100, 1000);
  const rules = Array.from({ length: 1 + below(3) }, (): RuleSketch => {
    const measured = pick('events', 'portal.records.ids', 'portal.records.ids', 'doc', 'size');
    const timespanMs = baseMs * pick(0.25, 0.5, 1, 1, 2);
    const short = shortTimeouts ? [Math.ceil(timespanMs / 4), 1] : [];
    const resolveTimeoutMs = pick(undefined, undefined, timespanMs * 2, timespanMs * 10, ...short);
    return {
      ...(measured === 'events'
        ? { type: 'event_count' }
        : { type: measured === 'size' ? 'value_sum' : 'value_count', field: measured }),
      timespanMs,
      gte: pick(2, 3, 5, 10, 20),
      ...(resolveTimeoutMs === undefined ? {} : { resolveTimeoutMs }),
    };
  });
  const latenessMs = pick(0, 1, baseMs / 10, baseMs, baseMs * 3);
  const users = pick(1, 1, 2);
  const values = pick(3, 30, 400);
  const outOfOrder = below(3) > 0;
  const arrivals: { at: number; tie: number; event: Sent }[] = [];
  let clock = 1_000_000;
  let longestGapMs = 1;
  const length = pick(events / 9, events / 3, events);
  for (let i = 0; i < length; i += 1) {
    if (below(40) === 0) longestGapMs = pick(1, 1, 2, 4, Math.ceil(baseMs / 20), baseMs);
    if (below(80) === 0) clock += below(baseMs * 3);
    clock += below(longestGapMs);
    const persons = Array.from({ length: below(4) }, () => `p${below(values)}`);
    const event: Sent = {
      time: clock,
      id: `e${i}`,
      fields: {
        user: `u${below(users)}`,
        'portal.records.ids': persons,
        doc: below(3) > 0 ? `d${below(values)}` : null,
        size: pick(0, 1, 2, 3, 7),
        'portal.records.count': persons.length,
        'http.response.body.bytes': below(1000),
        'user.id': `a${i % 3}`,
        'user.target.id': i % 7 === 0 ? `t${i % 2}` : null,
        'service.name': `s${below(4)}`,
        'source.ip': `10.0.${below(5)}.1`,
      },
    };
    const delayMs = outOfOrder ? pick(0, 0, below(latenessMs + 1), latenessMs) : 0;
    const lateMs = late && below(10) === 0 ? below(baseMs * 2) : 0;
    arrivals.push({ at: clock + delayMs + lateMs, tie: outOfOrder ? below(1000) : i, event });
  }
  const log = arrivals.sort((a, b) => a.at - b.at || a.tie - b.tie).map(({ event }) => event);
  return { rules, latenessMs, log };
}
