/**
 * The container that saved state lies in: named sections of bytes.
 *
 * ```
 * magic   8 bytes
 * version 4 bytes
 * section name (length, UTF-8) · length of the body (8 bytes) · CRC-32 of all this and the body · body
 * …
 * end     a section without a name
 * ```
 *
 * Numbers are little-endian. Guarantee: a container that was cut, damaged, written by another version or by
 * something else is refused with a code that says which, and nothing of it is taken.
 */

import { crc32 } from 'node:zlib';
import { VigieError } from '../errors.ts';

export const MAGIC = Uint8Array.from('VigieSt\n', (character) => character.charCodeAt(0));

/** Grows with every change of what any section holds: there is no reader of older ones, the log is read again. */
export const FORMAT_VERSION = 5;

/** Bytes of a section's head beside its name: length of the name, length of the body, CRC. */
export const HEAD_BYTES = 2 + 8 + 4;

/** `crc32` counts a length in 32 bits. */
const CHECKED_BYTES = 1 << 30;

/** CRC-32 of bytes of any length, going on from that of what stands before them. */
export function checksum(bytes: Uint8Array, before = 0): number {
  let crc = before;
  for (let at = 0; at < bytes.length; at += CHECKED_BYTES) {
    crc = crc32(bytes.subarray(at, at + CHECKED_BYTES), crc);
  }
  return crc;
}

/** Why saved state is not taken. */
type StateRefusal =
  /** Not written by Vigie. */
  | 'STATE_FOREIGN'
  /** Written in another format. */
  | 'STATE_VERSION'
  /** Cut or damaged. */
  | 'STATE_TORN'
  /** Made under another pseudonym key. */
  | 'STATE_KEY'
  /** Made under other settings that decide what an event is. */
  | 'STATE_SETTINGS'
  /** Of another source or consumer group. */
  | 'STATE_SOURCE'
  /** Of other partitions. */
  | 'STATE_PARTITIONS'
  /** Of another place in the log than the group's, or one that is gone. */
  | 'STATE_OFFSETS'
  /** Of rules that fire otherwise. */
  | 'STATE_RULES';

export function refused(code: StateRefusal, message: string): VigieError {
  return new VigieError(code, message, { remedy: 'The log is read again instead; nothing has to be done.' });
}
