/**
 * Which wanted keys occurred in the current event, by their marks: keys that share a mark are one field, nested and
 * dotted.
 */

import { KEY_BELOW, KEY_KIND, KEY_MARK, KEY_RANK, VALUE_ABOVE } from './keys';
import { MET, PART_COUNT } from './layout';
import { dropPart, forgetBelow } from './parts';

// Flags of keys met: whether the field is only claimed (see parts.ts); whether it was found under other keys, too.
export const CLAIMED: u32 = 1;
const CONTESTED: u32 = 2;
const FLAGS: u32 = 15;

/** True if the field of the key met last was already found, under a key that takes precedence. */
export let isShadowed: bool = false;
export function startKeys(): void {
  isShadowed = false;
}

/** Notes a wanted key. Returns false if it must not be met now. */
@inline
export function meet(key: u32, event: u32): bool {
  const met = MET + 8 * load<u32>(key, KEY_MARK);
  if (load<u32>(met) == event) return meetAgain(key, met, event);
  store<u32>(met, event);
  store<u32>(met, key, 4);
  return true;
}

/**
 * Of two equal keys the last counts, which overwriting achieves once everything found under the first is forgotten. Of
 * two keys of one field, nested and dotted, the one of lower rank counts; the other is not kept.
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

/** Notes that nothing is found under a key any more. Returns false if its field was found under another key, too. */
export function unmeet(key: u32, met: u32): bool {
  store<u32>(met, 0);
  return (load<u32>(met, 4) & CONTESTED) == 0;
}

/** True if the field was found under this key in this event. */
@inline
export function isMet(key: u32, met: u32, event: u32): bool {
  return load<u32>(met) == event && (load<u32>(met, 4) & ~FLAGS) == key;
}
