/**
 * A sum whose rounding does not depend on the order of addition: what each addition loses is summed separately and
 * added last (Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, 1974). So amounts give
 * the same sum in any order, unless they are so far apart that the losses are themselves rounded. Infinity if the sum
 * exceeds a double.
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
    // Beyond all doubles, the loss is no number.
    return Number.isFinite(this.#sum) ? this.#sum + this.#lost : this.#sum;
  }
}
