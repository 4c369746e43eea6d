/**
 * Paths in messages. A setting for the file of a secret is easily given the secret itself, so messages do not repeat
 * what may be a key or a token.
 */

import { messageOf } from '../errors.ts';

/** The content of a file, or long and without a folder. */
const MAY_BE_SECRET = /[\r\n]|^-----BEGIN|^[^/\\]{32,}$/;

/** The path as messages may show it. */
export function shownPath(path: string): string {
  return MAY_BE_SECRET.test(path) ? '(not shown: it may be the secret itself, not its file)' : path;
}

/** Why opening the file failed. Node's message repeats the path. */
export function openFailure(path: string, thrown: unknown): string {
  return messageOf(thrown).replaceAll(path, shownPath(path));
}
