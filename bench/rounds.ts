/**
 * Fair comparisons on a noisy machine: all variants in every round, one after the other, process CPU time
 * (collector and compiler threads included), medians over the rounds. Only ratios within a run mean something.
 */

export interface Variant {
  readonly name: string;
  /** Does the whole work once and returns a figure that proves it did. */
  readonly run: () => number;
}

export interface Row {
  readonly name: string;
  /** Median CPU time per event, ns. */
  readonly nsPerEvent: number;
  /** Events per CPU second. */
  readonly eventsPerSecond: number;
  /** Speed relative to the first variant: median of the ratios within a round. */
  readonly ratio: number;
  readonly proof: number;
}

/** Runs the variants `rounds` times after one round of warming up. Throws when a variant's proof changes. */
export function compare(variants: readonly Variant[], events: number, rounds: number): Row[] {
  const proofs = variants.map(({ run }) => run());
  const cpu: number[][] = variants.map(() => []);
  for (let round = 0; round < rounds; round += 1) {
    variants.forEach(({ name, run }, i) => {
      globalThis.gc?.();
      const before = process.cpuUsage();
      const proof = run();
      const { user, system } = process.cpuUsage(before);
      if (proof !== proofs[i]) throw new Error(`${name} gave ${proof}, before ${proofs[i]}`);
      cpu[i]!.push(user + system);
    });
  }
  return variants.map(({ name }, i) => {
    const nsPerEvent = (median(cpu[i]!) * 1000) / events;
    return {
      name,
      nsPerEvent,
      eventsPerSecond: 1e9 / nsPerEvent,
      ratio: median(cpu[i]!.map((own, round) => cpu[0]![round]! / own)),
      proof: proofs[i]!,
    };
  });
}

export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[sorted.length >> 1]!;
}
