/** Text files that people write, read whole: what keeps one from being read is a fault of that file. */

import { readFileSync, statSync } from 'node:fs';
import { messageOf } from '../errors.ts';
import type { Fault } from '../sigma/rule.ts';

/** The file's text, or the fault that says why not. Larger files than `maxBytes` are not even read. */
export function readTextFile(file: string, maxBytes: number): string | Fault {
  const fault = (code: string, message: string): Fault => ({
    file,
    line: 1,
    column: 1,
    code,
    message,
    severity: 'error',
  });
  try {
    const { size } = statSync(file);
    if (size > maxBytes) {
      return fault('FILE_TOO_LARGE', `the file has ${size} bytes; at most ${maxBytes} are read; split it`);
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (thrown) {
    if (thrown instanceof TypeError)
      return fault('NOT_UTF8', 'the file is not UTF-8; save it in that encoding');
    return fault('FILE_UNREADABLE', `the file cannot be read: ${messageOf(thrown)}`);
  }
}
