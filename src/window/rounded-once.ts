/**
 * A sum whose rounding does not follow the order of what is added: what each addition loses is added up beside it and
 * added last (Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, 1974). So the same
 * amounts give the same sum, whichever came first.
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
    return this.#sum + this.#lost;
  }
}
