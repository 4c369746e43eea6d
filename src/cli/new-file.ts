/** A file for its owner alone that either exists whole or not at all: it gets its name once it is complete. */

import { randomBytes } from 'node:crypto';
import { link, open, rename, rm, stat } from 'node:fs/promises';
import type { FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { VigieError } from '../errors.ts';
import { syncFolder } from '../sync-folder.ts';
import { outputFailed } from './output.ts';

export class NewFile {
  readonly #path: string;
  readonly #replaces: boolean;
  readonly #partial: string;
  readonly #file: FileHandle;

  private constructor(path: string, replaces: boolean, partial: string, file: FileHandle) {
    this.#path = path;
    this.#replaces = replaces;
    this.#partial = partial;
    this.#file = file;
  }

  /** `replaces`: a file of that name may exist. Throws OUTPUT_EXISTS, OUTPUT_FAILED. */
  static async open(path: string, replaces: boolean): Promise<NewFile> {
    const whole = resolve(path);
    if (!replaces && (await isThere(whole))) throw existsAlready(path);
    const partial = `${whole}.${randomBytes(6).toString('hex')}.part`;
    return guarded(path, async () => new NewFile(whole, replaces, partial, await open(partial, 'wx', 0o600)));
  }

  async write(text: string): Promise<void> {
    await guarded(this.#path, () => this.#file.writeFile(text));
  }

  /** Throws OUTPUT_EXISTS if somebody else created one meanwhile, OUTPUT_FAILED. */
  async complete(): Promise<void> {
    await guarded(this.#path, async () => {
      await this.#file.sync();
      await this.#file.close();
      // Unlike a rename, a link fails if the name is taken.
      if (this.#replaces) await rename(this.#partial, this.#path);
      else await link(this.#partial, this.#path);
      await rm(this.#partial, { force: true });
      await syncFolder(dirname(this.#path));
    });
  }

  /** Removes the partial file, unless it was completed. */
  async discard(): Promise<void> {
    await this.#file.close().catch(() => {});
    await rm(this.#partial, { force: true });
  }
}

async function isThere(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}

async function guarded<T>(path: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const isTaken = (error as NodeJS.ErrnoException).code === 'EEXIST';
    throw isTaken ? existsAlready(path) : outputFailed(path, '--to', error);
  }
}

function existsAlready(path: string): VigieError {
  return new VigieError('OUTPUT_EXISTS', `${path} is there already`, {
    remedy: 'Give --to another name, or --force to replace it.',
  });
}
