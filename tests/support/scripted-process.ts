/** A process that may die, or be halted, between any two externally visible effects; and what outlives it. */

import type { Alert } from '../../src/alert/alert.ts';
import { SavingPace } from '../../src/pipeline/saving-pace.ts';
import { SnapshotFile, UnfinishedFile } from '../../src/pipeline/snapshot-file.ts';
import type { SnapshotOptions } from '../../src/pipeline/snapshots.ts';
import type { AlertSink } from '../../src/sink/sink.ts';
import { silentSink } from '../unit/scripted-pipeline.ts';
import { storedIn } from './stored-bytes.ts';

/**
 * An externally visible effect, which happens as a whole, or not at all; in that case, neither does anything after it.
 */
export type Act = <T>(effect: () => T) => Promise<T>;

export class ScriptedProcess {
  #left: number;
  readonly #died = Promise.withResolvers<void>();
  #halted: PromiseWithResolvers<void> | undefined;

  /** `acts`: number of acts before it dies. */
  constructor(acts = Infinity) {
    this.#left = acts;
  }

  readonly act: Act = async (effect) => {
    await Promise.resolve();
    await this.#halted?.promise;
    if (this.#left <= 0) {
      this.#died.resolve();
      return new Promise<never>(() => undefined);
    }
    this.#left -= 1;
    return effect();
  };

  /** Resolves when the process has died. */
  get died(): Promise<void> {
    return this.#died.promise;
  }

  /** It dies after this many further acts. */
  dieAfter(acts: number): void {
    this.#left = Math.min(this.#left, acts);
    if (acts === 0) this.#died.resolve();
  }

  /** No further effect is visible until it goes on. */
  halt(): void {
    this.#halted ??= Promise.withResolvers();
  }

  goOn(): void {
    this.#halted?.resolve();
    this.#halted = undefined;
  }
}

/** Keeps the newest state of each alert, like the database. */
export class AlertTable {
  readonly rows = new Map<string, Alert>();

  write(alerts: readonly Alert[]): void {
    for (const alert of alerts) {
      if (alert.version >= (this.rows.get(alert.alertId)?.version ?? 0)) this.rows.set(alert.alertId, alert);
    }
  }

  sink(act: Act): AlertSink {
    const { rows } = this;
    return {
      ...silentSink,
      stored: (ids) =>
        act(() => new Map(ids.flatMap((id) => (rows.has(id) ? [[id, rows.get(id)!] as const] : [])))),
      alertsSince: (since) =>
        act(() =>
          [...rows.values()].filter(
            ({ rule, status, resolution, lastEventAt }) =>
              status !== 'merged' && resolution === '' && lastEventAt >= (since.get(rule) ?? Infinity),
          ),
        ),
      writeAlerts: (alerts) => act(() => this.write(alerts)),
    };
  }
}

/** Saves without pauses, as a life is short. */
const AT_ONCE = new (class extends SavingPace {
  override after = (): number => 0;
})({ now: () => 0, elapsed: () => 0 });

/** Saved states by name. */
export type Disk = Map<string, Uint8Array>;

export function snapshotsOn(disk: Disk, name: string, act: Act): SnapshotOptions {
  const file = new (class extends SnapshotFile {
    override open = () =>
      act(() => {
        const bytes = disk.get(name);
        return bytes && storedIn(bytes);
      });
    override begin = async () => {
      const chunks: Uint8Array[] = [];
      return Object.assign(Object.create(UnfinishedFile.prototype) as UnfinishedFile, {
        write: async (pieces: readonly Uint8Array[]) =>
          void chunks.push(...pieces.map((piece) => piece.slice())),
        keep: () => act(() => void disk.set(name, Buffer.concat(chunks))),
        drop: async () => {},
      });
    };
  })(name);
  return { file, intervalMs: 1, group: 'vigie', pace: AT_ONCE };
}
