/**
 * What travels from the match stage to the shards: one message of the signals topic per shard and write.
 *
 * ```
 * head     version · shards · partitions of the source · check of the pseudonym key
 * BEGIN    source partition · epoch · first offset covered            then its signals, then
 * SIGNAL   offset · time · newest time of the partition before it · rules matched · fields
 * END      offset after the last covered · newest time · idle
 * ```
 *
 * A *stretch* is what stands from BEGIN to END: all that the shard needs of these offsets of one source partition. A
 * stretch without signals says that there are none, and how far event time is. Stretches of one partition follow
 * each other without a gap. Rules are named by hashes of what decides their matches, and fields by their paths, each
 * once per message: sender and receiver may have different rules loaded, and understand each other where these agree.
 *
 * Persons are pseudonyms here already: no record holds a raw id.
 */

import { createHmac } from 'node:crypto';

export const SIGNAL_VERSION = 1;

export const BEGIN = 1;
export const SIGNAL = 2;
export const END = 3;

/** Tags with which a field's value begins. */
export const VALUE = {
  null: 0,
  false: 1,
  true: 2,
  int: 3,
  number: 4,
  /** May come again: written once, then referred to by its number. */
  newText: 5,
  knownText: 6,
  text: 7,
  pseudonyms: 8,
  linked: 9,
  list: 10,
  object: 11,
} as const;

/** Tells pseudonym keys apart without giving them away. */
export function keyCheckOf(hashKey: Uint8Array): number {
  return createHmac('sha256', hashKey).update('signals').digest().readUInt32LE(0);
}
