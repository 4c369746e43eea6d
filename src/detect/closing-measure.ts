/** Which running value a closing rule takes, and what of an event it holds. */

import type { EventRecord } from '../event/record.ts';
import type { SlidingMeasure } from '../window/closing-log.ts';
import { CountMeasure, DistinctMeasure, NumbersMeasure, TemporalMeasure } from '../window/measures.ts';
import { holds } from '../sigma/bounds.ts';
import type { PlannedClosing } from './plan.ts';
import { combinations, numbersOf, textsOf } from './values.ts';

export function measureOf({ rule, temporal }: PlannedClosing): SlidingMeasure<unknown> {
  const met = (value: number) => holds(rule.bounds, value);
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
  return measure();
}

/** What the event holds for the rule; undefined when the rule measures a field that the event has not. */
export function heldBy({ rule, slotsOf }: PlannedClosing, ref: number, record: EventRecord): unknown {
  const slots = slotsOf(ref);
  if (slots.length === 0) return null;
  if (rule.type !== 'value_count') {
    const numbers = numbersOf(record.slots[slots[0]!]);
    return numbers.length === 0 ? undefined : numbers;
  }
  const tuples = combinations(slots.map((slot) => textsOf(record.slots[slot])));
  return tuples.length === 0 ? undefined : tuples.map((tuple) => JSON.stringify(tuple));
}
