/** Reads whole text files that people write: what prevents it is a fault of that file. */

import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { Fault } from '../sigma/rule.ts';

/**
 * The file's text, or the fault that says why not. Files larger than `maxBytes` are not read at all. `named`:
 * somebody named this very file, so it may be a pipe; one found in a folder could be waited for without end.
 */
export function readTextFile(file: string, maxBytes: number, named = false): string | Fault {
  const fault = (code: string, message: string): Fault => ({
    file,
    line: 1,
    column: 1,
    code,
    message,
    severity: 'error',
  });
  try {
    const stat = statSync(file);
    if (!named && (stat.isFIFO() || stat.isSocket()))
      return fault(
        'FILE_UNREADABLE',
        'the file cannot be read: it is a pipe or a socket; remove it from the folder',
      );
    if (stat.size > maxBytes) {
      return fault(
        'FILE_TOO_LARGE',
        `the file has ${stat.size} bytes; at most ${maxBytes} are read; split it`,
      );
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (thrown) {
    if (thrown instanceof TypeError)
      return fault('NOT_UTF8', 'the file is not UTF-8; save it in that encoding');
    return fault('FILE_UNREADABLE', `the file cannot be read: ${messageOf(thrown)}`);
  }
}
