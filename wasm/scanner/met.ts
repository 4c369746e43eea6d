/**
 * Which wanted keys were met in the event that is being read, by their marks: keys that share one are the same field,
 * nested and dotted.
 */

import { KEY_BELOW, KEY_KIND, KEY_MARK, KEY_RANK, VALUE_ABOVE } from './keys';
import { MET, PART_COUNT } from './layout';
import { dropPart, forgetBelow } from './parts';

// Flags of keys met: whether its field is only claimed (see parts.ts); whether it was found under others, too.
export const CLAIMED: u32 = 1;
const CONTESTED: u32 = 2;
const FLAGS: u32 = 15;

/** Whether the field of the key that was met last is already there, under one that counts more. */
export let isShadowed: bool = false;
export function startKeys(): void {
  isShadowed = false;
}

/** Notes a wanted key; false when it must not be met now. */
@inline
export function meet(key: u32, event: u32): bool {
  const met = MET + 8 * load<u32>(key, KEY_MARK);
  if (load<u32>(met) == event) return meetAgain(key, met, event);
  store<u32>(met, event);
  store<u32>(met, key, 4);
  return true;
}

/**
 * Of two equal keys the last counts, which is what overwriting does once nothing is left of what the first held. Of
 * two for the same field, nested and dotted, it is the one of lower rank; the other is not kept.
 */
function meetAgain(key: u32, met: u32, event: u32): bool {
  const word = load<u32>(met, 4);
  const before = word & ~FLAGS;
  if (before != key && ((word & CLAIMED) != 0 || load<u32>(key, KEY_KIND) == VALUE_ABOVE)) return false;
  if (before != key && load<u32>(before, KEY_RANK) < load<u32>(key, KEY_RANK)) {
    store<u32>(met, before | CONTESTED, 4);
    isShadowed = true;
    return true;
  }
  store<u32>(met, before == key ? key | (word & CONTESTED) : key | CONTESTED, 4);
  if (load<u32>(PART_COUNT) != 0) dropPart(before);
  return load<u32>(before, KEY_BELOW) == 0 || forgetBelow(before, event);
}

/** Notes that nothing is found of a key any more; false when its field was there under another, too. */
export function unmeet(key: u32, met: u32): bool {
  store<u32>(met, 0);
  return (load<u32>(met, 4) & CONTESTED) == 0;
}

/** Whether a key is what its field was found under in this event. */
@inline
export function isMet(key: u32, met: u32, event: u32): bool {
  return load<u32>(met) == event && (load<u32>(met, 4) & ~FLAGS) == key;
}
