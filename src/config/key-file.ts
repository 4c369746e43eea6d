/** Keys in files: 16 bytes as 32 hex digits. */

import { readFileSync } from 'node:fs';
import { VigieError } from '../errors.ts';
import { key } from './forms.ts';
import { openFailure, shownPath } from './shown-path.ts';

export interface KeyFile {
  /** Prefix of its error codes. */
  readonly code: string;
  readonly name: string;
  /** What determines its location. */
  readonly places: string;
  /** Remedy for a file that holds no key. */
  readonly remedy: string;
}

/**
 * The key in the settings, given directly (takes precedence) or as a file; undefined if neither is set. Throws like
 * `readKey`.
 */
export function givenKey(
  hex: string | undefined,
  path: string | undefined,
  kind: KeyFile,
): Uint8Array | undefined {
  if (hex !== undefined) return Buffer.from(hex, 'hex');
  return path === undefined ? undefined : readKey(path, kind);
}

/** Throws `code` + _UNREADABLE or _INVALID. */
export function readKey(path: string, { code, name, places, remedy }: KeyFile): Uint8Array {
  let text: string;
  try {
    text = readFileSync(path, 'utf8').trim();
  } catch (error) {
    throw new VigieError(
      `${code}_UNREADABLE`,
      `cannot read the ${name} ${shownPath(path)}: ${openFailure(path, error)}`,
      { remedy: `See that the file is there and readable by this user (${places}).`, cause: error },
    );
  }
  if (!key.safeParse(text).success) {
    throw new VigieError(`${code}_INVALID`, `${path} does not hold 32 hex digits`, { remedy });
  }
  return Buffer.from(text, 'hex');
}
