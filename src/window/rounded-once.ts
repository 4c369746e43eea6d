/**
 * A sum whose rounding does not follow the order of what is added: what each addition loses is added up beside it and
 * added last (Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, 1974). So amounts give
 * the same sum, whichever came first, unless they are so far apart that what is lost is itself rounded. Infinity where
 * a double has no room.
 */
export class RoundedOnce {
  #sum = 0;
  #lost = 0;

  add(amount: number): void {
    const sum = this.#sum;
    const next = sum + amount;
    this.#lost += Math.abs(sum) >= Math.abs(amount) ? sum - next + amount : amount - next + sum;
    this.#sum = next;
  }

  get value(): number {
    // Beyond all doubles what was lost is no number.
    return Number.isFinite(this.#sum) ? this.#sum + this.#lost : this.#sum;
  }
}
