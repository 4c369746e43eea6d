/**
 * Paths in messages. A setting that names the file of a secret is easily given the secret itself, so what cannot be
 * told from a key or a token is not repeated.
 */

import { messageOf } from '../errors.ts';

/** The text of a file, or long and in no folder. */
const MAY_BE_SECRET = /[\r\n]|^-----BEGIN|^[^/\\]{32,}$/;

/** As messages may show it. */
export function shownPath(path: string): string {
  return MAY_BE_SECRET.test(path) ? '(not shown: it may be the secret itself, not its file)' : path;
}

/** What was thrown when the file was opened: Node repeats the path. */
export function openFailure(path: string, thrown: unknown): string {
  return messageOf(thrown).replaceAll(path, shownPath(path));
}
