/** Why the service is not ready: what keeps each of its parts from working now. */

import type { VigieError } from '../errors.ts';

export type Part =
  | 'source'
  | 'signals'
  | 'sending signals'
  | 'sink'
  | 'database'
  | 'spool'
  | 'dead letters'
  | 'start'
  | 'stop';

export class Troubles {
  readonly #reasons = new Map<Part, string>();

  /** `reason`: undefined once the part works again. */
  set(part: Part, reason: VigieError | string | undefined): void {
    if (reason === undefined) this.#reasons.delete(part);
    else this.#reasons.set(part, typeof reason === 'string' ? reason : `${reason.code}: ${reason.message}`);
  }

  has(part: Part): boolean {
    return this.#reasons.has(part);
  }

  get reasons(): readonly string[] {
    return [...this.#reasons.values()];
  }
}
