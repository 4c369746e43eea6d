/** What extension keys add to a window's condition, recomputed from nothing but the entries in it. */

import type { CorrelationDocument } from './documents.ts';
import type { Entry } from './measures.ts';

/**
 * Length of the longest run of ids that ends at `end`: a chain of sightings in order, each 1 to max_step above
 * (or each below) the one before. Of one event the list gives the order, of several events of one time nothing.
 */
export function longestRun(document: CorrelationDocument, held: readonly Entry[], end: number): number {
  const step = document['vigie.sequence']!.max_step ?? 1;
  const sightings = held.flatMap(({ time, identity, ids }) =>
    ids.flatMap((id, position) => {
      const [, prefix, digits] = /^(.*?)(\d+)\D*$/s.exec(id) ?? [];
      return digits === undefined ? [] : [{ time, identity, position, prefix, number: BigInt(digits) }];
    }),
  );
  type Sighting = (typeof sightings)[number];
  const isAlone = ({ time, identity }: Sighting): boolean =>
    sightings.every((other) => other.time !== time || other.identity === identity);
  const comesBefore = (a: Sighting, b: Sighting): boolean =>
    a.time < b.time || (a.time === b.time && (!isAlone(b) || a.position < b.position));
  const longest = (sign: 1 | -1): number => {
    const lengths = new Map<Sighting, number>();
    for (const b of sightings.toSorted(
      (x, y) => sign * (x.number < y.number ? -1 : Number(x.number > y.number)),
    )) {
      const before = sightings.filter((a) => {
        const distance = sign * Number(b.number - a.number);
        return a.prefix === b.prefix && distance >= 1 && distance <= step && comesBefore(a, b);
      });
      lengths.set(b, 1 + Math.max(0, ...before.map((a) => lengths.get(a)!)));
    }
    return Math.max(0, ...sightings.filter(({ time }) => time === end).map((b) => lengths.get(b)!));
  };
  return Math.max(longest(1), longest(-1));
}

/**
 * The entries of a window with the rules for which they count: all, unless the rule says that what the others
 * belong to has to have begun before the newest event of a named rule at or before them.
 */
export function counting(document: CorrelationDocument, held: readonly Entry[]): Entry[] {
  const name = document['vigie.begun_before']?.rule;
  if (name === undefined) return [...held];
  return held.flatMap((entry) => {
    const before = held.filter(({ time, members }) => members.has(name) && time <= entry.time);
    const newest = Math.max(...before.map(({ time }) => time));
    const counts = entry.begun !== undefined && entry.begun < newest;
    const members = new Set([...entry.members].filter((member) => member === name || counts));
    return members.size === 0 ? [] : [{ ...entry, members }];
  });
}
