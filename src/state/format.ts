/**
 * The container of saved state: frames, each holding some of the bytes of a named section. Frames of several sections
 * may alternate, so that saved data need not wait in memory until a section is complete.
 *
 * ```
 * magic   8 bytes
 * version 4 bytes
 * section name (length, UTF-8) · length of the body · CRC-32 of all this and the body · body
 * …
 * end     a frame without a name and a body
 * ```
 *
 * Numbers are little-endian; the length of a name takes 2 bytes, every other length and a CRC take 4. A CRC starts from
 * the number of preceding frames, so that none can be missing or out of place. Guarantee: a container that was cut,
 * damaged, written by another version or by another program is refused with a code that says which, and nothing of it
 * is used.
 */

import { crc32 } from 'node:zlib';
import { VigieError } from '../errors.ts';

export const MAGIC = Uint8Array.from('VigieSt\n', (character) => character.charCodeAt(0));

/** Grows with every change to the content of any section: older formats are not read, the log is read again instead. */
export const FORMAT_VERSION = 10;

/** Size of a frame's head without the name: length of the name, length of the body, CRC. */
export const HEAD_BYTES = 2 + 4 + 4;

/** CRC of a frame that follows `before` others: over its head, without the CRC, and its body. */
export function checksum(before: number, head: Uint8Array, body: Uint8Array): number {
  return crc32(body, crc32(head, before));
}

/** Why saved state is refused. */
type StateRefusal =
  /** Not written by Vigie. */
  | 'STATE_FOREIGN'
  /** Written in another format. */
  | 'STATE_VERSION'
  /** Cut or damaged. */
  | 'STATE_TORN'
  /** Saved under another pseudonym key. */
  | 'STATE_KEY'
  /** Saved under other settings that decide what an event is. */
  | 'STATE_SETTINGS'
  /** Of another source or consumer group. */
  | 'STATE_SOURCE'
  /** For other partitions. */
  | 'STATE_PARTITIONS'
  /** For another position in the log than the group's, or one that is gone. */
  | 'STATE_OFFSETS'
  /** For rules that fire differently. */
  | 'STATE_RULES';

export function refused(code: StateRefusal, message: string): VigieError {
  return new VigieError(code, message, { remedy: 'The log is read again instead; nothing has to be done.' });
}
