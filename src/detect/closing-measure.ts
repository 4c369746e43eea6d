/** Which running value closing rules take, and what they keep of an event. */

import { IdLinker, IdLinks } from '../event/id-links.ts';
import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldValue } from '../event/record.ts';
import { parseTime } from '../event/time.ts';
import type { Sleeper, SlidingMeasure } from '../window/closing-log.ts';
import { CountMeasure, DistinctMeasure, NumbersMeasure } from '../window/measures.ts';
import { type SequenceHeld, SequenceMeasure, sequenceSleeper } from '../window/sequence-measure.ts';
import {
  BegunBeforeMeasure,
  begunBeforeSleeper,
  type BegunMatch,
  TemporalMeasure,
} from '../window/temporal-measure.ts';
import { holds } from '../sigma/bounds.ts';
import type { PlannedClosing } from './plan.ts';
import type { PlannedSequence, PlannedTemporal } from './plan-temporal.ts';
import { combinations, numbersOf, textsOf } from './values.ts';

export function measureOf({ watchers, temporal, sequence }: PlannedClosing): SlidingMeasure<unknown> {
  const [{ rule }] = watchers;
  const met = (value: number) => watchers.some((watcher) => holds(watcher.rule.bounds, value));
  if (temporal?.begunBefore !== undefined) {
    return new BegunBeforeMeasure(temporal.spec, temporal.begunBefore.place);
  }
  if (temporal !== undefined) return new TemporalMeasure(temporal.spec);
  const measure = () => {
    switch (rule.type) {
      case 'value_count':
        return new DistinctMeasure(met);
      case 'value_sum':
        return new NumbersMeasure('sum', met);
      case 'value_avg':
        return new NumbersMeasure('average', met);
      case 'value_percentile':
        return new NumbersMeasure({ percentile: rule.percentile! }, met);
      case 'value_median':
        return new NumbersMeasure({ percentile: 50 }, met);
      default:
        return new CountMeasure(met);
    }
  };
  return sequence === undefined ? measure() : new SequenceMeasure(sequence.spec, measure());
}

/** The sleeper of the rules' logs; undefined if these logs never sleep. */
export function sleeperOf({ temporal, sequence }: PlannedClosing): Sleeper<unknown> | undefined {
  if (temporal?.begunBefore !== undefined) return begunBeforeSleeper(temporal.begunBefore.place);
  return sequence && sequenceSleeper(sequence.spec);
}

/** What the event holds for the rules; undefined if they measure a field that the event lacks. */
export function heldBy(planned: PlannedClosing, ref: number, record: EventRecord): unknown {
  const { sequence, temporal } = planned;
  if (temporal?.begunBefore !== undefined) return beginningOf(record.slots[temporal.begunBefore.slot]);
  const own = valuesOf(planned, ref, record);
  if (sequence === undefined || own === undefined) return own;
  const links = linksOf(record.slots[sequence.slotOf(ref)], sequence);
  return { own, links } satisfies SequenceHeld;
}

/** What an event that matched the rules at these places holds for a temporal rule. `value`: the result of `heldBy`. */
export function matchedBy(
  { begunBefore }: PlannedTemporal,
  rules: readonly number[],
  value: unknown,
): readonly number[] | BegunMatch {
  return begunBefore === undefined ? rules : { rules, begunMs: value as number };
}

function valuesOf({ watchers, slotsOf }: PlannedClosing, ref: number, record: EventRecord): unknown {
  const [{ rule }] = watchers;
  const slots = slotsOf(ref);
  if (slots.length === 0) return null;
  if (rule.type !== 'value_count') {
    const numbers = numbersOf(record.slots[slots[0]!]);
    return numbers.length === 0 ? undefined : numbers;
  }
  const tuples = combinations(slots.map((slot) => textsOf(record.slots[slot])));
  return tuples.length === 0 ? undefined : tuples.map((tuple) => JSON.stringify(tuple));
}

/** The earliest date of a field, ms since the epoch; NaN if it holds none. */
function beginningOf(value: FieldValue | undefined): number {
  if (!Array.isArray(value)) return parseTime(value);
  let earliest = NaN;
  for (const element of value) {
    const time = beginningOf(element);
    if (time < earliest || Number.isNaN(earliest)) earliest = time;
  }
  return earliest;
}

/** Ids of things other than persons are no secret, so their links are made here, under no key. */
const linker = new IdLinker(new Uint8Array(16));

function linksOf(value: FieldValue | undefined, { spec }: PlannedSequence): readonly number[] {
  if (value instanceof Pseudonyms && value.links !== undefined) return nearest(value.links, spec.steps);
  const links = new IdLinks(spec.steps);
  for (const text of textsOf(value)) linker.addText(text, links);
  return nearest(links, spec.steps);
}

/**
 * A copy of the links up to `steps` steps; another rule may have asked for more. Not a typed array: an event holds few
 * links, and separate memory for each costs more than all that is done with them.
 */
function nearest({ values, length, stride }: IdLinks, steps: number): readonly number[] {
  const wanted = 1 + 2 * steps;
  // The array lives as long as the event; growing it by `push` would reserve room for seventeen.
  const links: number[] = [];
  links.length = wanted * length;
  for (let i = 0; i < length; i += 1) {
    for (let k = 0; k < wanted; k += 1) links[i * wanted + k] = values[i * stride + k]!;
  }
  return links;
}
