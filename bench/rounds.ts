/**
 * Fair comparisons on a noisy machine: all variants in every round, one after the other, process CPU time (including
 * collector and compiler threads), medians over the rounds. Only ratios within a run are meaningful.
 *
 * No garbage collection is forced in between: V8 discards code compiled for objects that are gone, and every pass would
 * start cold, as no service does (three rules took 7.2 µs per event with it, and 4.2 without).
 */

export interface Variant {
  readonly name: string;
  /** Does all the work once, and returns a figure that proves it. */
  readonly run: () => number;
  /** Number of events of this variant, if it differs. */
  readonly events?: number;
}

export interface Row {
  readonly name: string;
  /** Median CPU time per event, ns. */
  readonly nsPerEvent: number;
  /** Events per CPU second. */
  readonly eventsPerSecond: number;
  /** Speed relative to the first variant: median of the ratios within a round. */
  readonly ratio: number;
  /** Least and greatest of those ratios. */
  readonly lowest: number;
  readonly highest: number;
  readonly proof: number;
}

/** Runs the variants `rounds` times after one warm-up round. Throws if a variant's proof changes. */
export function compare(variants: readonly Variant[], events: number, rounds: number): Row[] {
  const proofs = variants.map(({ run }) => run());
  const cpu: number[][] = variants.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    variants.forEach(({ name, run }, i) => {
      const before = process.cpuUsage();
      const proof = run();
      const { user, system } = process.cpuUsage(before);
      if (proof !== proofs[i]) throw new Error(`${name} gave ${proof}, before ${proofs[i]}`);
      cpu[i]!.push(user + system);
    });
  }
  const first = variants[0]?.events ?? events;
  return variants.map(({ name, events: own = events }, i) => {
    const nsPerEvent = (median(cpu[i]!) * 1000) / own;
    const ratios = cpu[i]!.map((micros, round) => cpu[0]![round]! / first / (micros / own));
    return {
      name,
      nsPerEvent,
      eventsPerSecond: 1e9 / nsPerEvent,
      ratio: median(ratios),
      lowest: Math.min(...ratios),
      highest: Math.max(...ratios),
      proof: proofs[i]!,
    };
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
