/**
 * The most that fits into a duration if windows of certain lengths may each hold only so much.
 *
 * Windows of those lengths that together cover the duration allow the sum of what each may hold, so no more fits in
 * than the cheapest cover allows. And that much does fit: windows and instants form an interval matrix, for which the
 * optimal packing and the cheapest cover of linear programming are integral and equal (Hoffman and Kruskal, 1956).
 */

/** No window (t − timespanMs, t] may hold more than `most`. */
export interface Limit {
  /** A multiple of a second. */
  readonly timespanMs: number;
  readonly most: number;
}

export interface Within<T extends Limit> {
  /** Infinity if nothing limits it. */
  readonly most: number;
  /** The limits that determine it, shortest first. */
  readonly by: readonly T[];
}

/** `durationMs`: a multiple of a second. */
export function mostWithin<T extends Limit>(limits: readonly T[], durationMs: number): Within<T> {
  const useful = withoutLooser(limits);
  if (useful.length === 0) return { most: Infinity, by: [] };
  const step = useful.reduce((common, { timespanMs }) => divisor(common, timespanMs), durationMs);
  const steps = durationMs / step;
  const lengths = useful.map(({ timespanMs }) => timespanMs / step);
  /** By length in steps: the cost of the cheapest cover, and the limit whose window it starts with. */
  const cost = new Float64Array(steps + 1);
  const first = new Int32Array(steps + 1);
  for (let length = 1; length <= steps; length += 1) {
    let least = Infinity;
    for (let i = 0; i < useful.length; i += 1) {
      const sum = useful[i]!.most + cost[Math.max(0, length - lengths[i]!)]!;
      if (sum >= least) continue;
      least = sum;
      first[length] = i;
    }
    cost[length] = least;
  }
  const used = new Set<number>();
  for (let left = steps; left > 0; left -= lengths[first[left]!]!) used.add(first[left]!);
  return { most: cost[steps]!, by: useful.filter((_, i) => used.has(i)) };
}

/** Shortest first, without limits that a longer window makes redundant. */
function withoutLooser<T extends Limit>(limits: readonly T[]): T[] {
  const useful: T[] = [];
  for (const limit of limits.toSorted((a, b) => b.timespanMs - a.timespanMs || a.most - b.most)) {
    const longer = useful.at(-1);
    if (longer === undefined || limit.most < longer.most) useful.push(limit);
  }
  return useful.reverse();
}

function divisor(a: number, b: number): number {
  return b === 0 ? a : divisor(b, a % b);
}
