/** How much memory processes of a deployment take, as their own metrics say it. */

import { setTimeout as delay } from 'node:timers/promises';
import type { Deployment } from './deployment.ts';

const EVERY_MS = 250;

/** Most that one process was seen with, bytes. */
export interface Memory {
  /** Objects, and buffers beside them. */
  readonly held: number;
  /** All of the process, with what its allocator keeps for later. */
  readonly resident: number;
}

export class MemoryWatch {
  readonly #deployment: Deployment;
  readonly #done: Promise<void>;
  #over = false;
  #most: Memory = { held: 0, resident: 0 };

  /** Looks at whoever runs, until it is ended. */
  constructor(deployment: Deployment) {
    this.#deployment = deployment;
    this.#done = this.#watch();
  }

  async end(): Promise<Memory> {
    this.#over = true;
    await this.#done;
    if (this.#most.resident === 0) throw new Error('no process told its memory');
    return this.#most;
  }

  async #watch(): Promise<void> {
    while (!this.#over) {
      for (const { running, ended } of this.#deployment.members) {
        if (ended !== undefined || running.logs.every(({ msg }) => !msg.startsWith('running'))) continue;
        // One that is being killed does not answer.
        const { text } = await running.get('/metrics').catch(() => ({ text: '' }));
        const bytes = (name: string): number =>
          Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
        const held = bytes('nodejs_heap_size_used_bytes') + bytes('nodejs_external_memory_bytes');
        const resident = bytes('process_resident_memory_bytes');
        this.#most = {
          held: Math.max(this.#most.held, held),
          resident: Math.max(this.#most.resident, resident),
        };
      }
      await delay(EVERY_MS);
    }
  }
}
