/** How much memory processes of a deployment take, as they say after each collection (`preload/collect-garbage.ts`). */

import type { Deployment } from './deployment.ts';
import type { Memory } from './preload/collect-garbage.ts';

export class MemoryWatch {
  readonly #deployment: Deployment;
  readonly #before: ReadonlySet<Memory>;

  /** Looks at what is said from now on. */
  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#before = new Set(this.#said);
  }

  /** Most that one process was seen with up to now. */
  end(): Memory {
    const said = this.#said.filter((memory) => !this.#before.has(memory));
    if (said.length === 0) throw new Error('no process told its memory');
    const most = (what: keyof Memory): number => Math.max(...said.map((memory) => memory[what]));
    return { held: most('held'), resident: most('resident') };
  }

  get #said(): Memory[] {
    return this.#deployment.members.flatMap(({ running }) =>
      running.logs.flatMap(({ memory }) => (memory === undefined ? [] : [memory as Memory])),
    );
  }
}
