/**
 * The container that saved state lies in: frames, each a part of a named section's bytes. Frames of several sections
 * may take turns, so that what is saved need not wait in memory until a section is whole.
 *
 * ```
 * magic   8 bytes
 * version 4 bytes
 * section name (length, UTF-8) · length of the body · CRC-32 of all this and the body · body
 * …
 * end     a frame without a name and a body
 * ```
 *
 * Numbers are little-endian; the length of a name takes 2 bytes, any other and a CRC 4. A CRC begins with the number of
 * frames before, so that none can be missing or in another's place. Guarantee: a container that was cut,
 * damaged, written by another version or by something else is refused with a code that says which, and nothing of
 * it is taken.
 */

import { crc32 } from 'node:zlib';
import { VigieError } from '../errors.ts';

export const MAGIC = Uint8Array.from('VigieSt\n', (character) => character.charCodeAt(0));

/** Grows with every change of what any section holds: there is no reader of older ones, the log is read again. */
export const FORMAT_VERSION = 9;

/** Bytes of a frame's head beside its name: length of the name, length of the body, CRC. */
export const HEAD_BYTES = 2 + 4 + 4;

/** Of a frame behind so many others: its head without the CRC, and its body. */
export function checksum(before: number, head: Uint8Array, body: Uint8Array): number {
  return crc32(body, crc32(head, before));
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
