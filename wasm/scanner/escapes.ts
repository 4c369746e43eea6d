/** Decodes a JSON string with escapes to UTF-8. */

import { hexDigit } from './json';
import { SCRATCH, SCRATCH_SIZE } from './layout';

/** True if the last string held an unpaired surrogate, which UTF-8 cannot express: U+FFFD replaces it. */
export let heldLoneSurrogate: bool = false;

/** Writes the valid string `[from, to)` to SCRATCH. Returns its length, or −1 if there is no room. */
export function unescape(from: u32, to: u32): i32 {
  heldLoneSurrogate = false;
  if (to - from > SCRATCH_SIZE) return -1;
  let out = SCRATCH;
  let at = from;
  while (at < to) {
    const byte = load<u8>(at++);
    if (byte != 0x5c) {
      store<u8>(out++, byte);
      continue;
    }
    const kind = load<u8>(at++);
    if (kind != 0x75) {
      store<u8>(out++, meaning(kind));
      continue;
    }
    let code = fourDigits(at);
    at += 4;
    if ((code & 0xf800) == 0xd800) {
      const isPair = code < 0xdc00 && at < to && load<u16>(at) == 0x755c && (fourDigits(at + 2) & 0xfc00) == 0xdc00;
      if (isPair) {
        code = 0x10000 + ((code & 0x3ff) << 10) + (fourDigits(at + 2) & 0x3ff);
        at += 6;
      } else {
        code = 0xfffd;
        heldLoneSurrogate = true;
      }
    }
    out = encode(code, out);
  }
  return i32(out - SCRATCH);
}

function meaning(kind: u8): u8 {
  if (kind == 0x62) return 0x08;
  if (kind == 0x66) return 0x0c;
  if (kind == 0x6e) return 0x0a;
  if (kind == 0x72) return 0x0d;
  return kind == 0x74 ? 0x09 : kind;
}

function fourDigits(at: u32): u32 {
  let code: u32 = 0;
  for (let i = at; i < at + 4; i++) code = (code << 4) | hexDigit(load<u8>(i));
  return code;
}

/** Writes a character. Returns where the next one goes. */
function encode(code: u32, out: u32): u32 {
  if (code < 0x80) {
    store<u8>(out, code);
    return out + 1;
  }
  let length: u32 = code < 0x800 ? 2 : code < 0x10000 ? 3 : 4;
  store<u8>(out, ((0xf00 >>> length) & 0xff) | (code >>> (6 * (length - 1))));
  for (let i: u32 = 1; i < length; i++) {
    store<u8>(out + i, 0x80 | ((code >>> (6 * (length - 1 - i))) & 0x3f));
  }
  return out + length;
}

export function holdsBackslash(from: u32, to: u32): bool {
  for (let i = from; i < to; i++) if (load<u8>(i) == 0x5c) return true;
  return false;
}
