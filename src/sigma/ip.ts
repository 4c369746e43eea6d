/**
 * IP addresses and networks as numbers. An IPv4-mapped IPv6 address (::ffff:a.b.c.d) is inside a network
 * of either family that holds it: dual-stack listeners log IPv4 clients that way.
 */

/** Four 32-bit words; an IPv4 address is the last word, the others are 0, 0, 0xffff. */
export type Address = Uint32Array;

export interface Network {
  readonly family: 4 | 6;
  readonly words: Address;
  /** Length of the prefix within the 128 bits. */
  readonly bits: number;
}

/**
 * Parses an address; undefined if it is none. A zone, as in `fe80::1%eth0`, is ignored. `family` tells how it was
 * written.
 */
export function parseAddress(text: string): { family: 4 | 6; words: Address } | undefined {
  if (text.length > 60) return undefined;
  if (!text.includes(':')) {
    const v4 = parseV4(text);
    return v4 === undefined ? undefined : { family: 4, words: Uint32Array.of(0, 0, 0xffff, v4) };
  }
  const words = parseV6(text.replace(/%.*$/, ''));
  return words === undefined ? undefined : { family: 6, words };
}

function parseV4(text: string): number | undefined {
  const parts = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})$/.exec(text);
  if (parts === null) return undefined;
  let value = 0;
  for (const part of parts.slice(1)) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = value * 256 + Number(part);
  }
  return value;
}

function parseV6(text: string): Address | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const left = groups(halves[0]!, halves.length === 1);
  const right = halves.length === 2 ? groups(halves[1]!, true) : [];
  if (left === undefined || right === undefined) return undefined;
  const missing = 8 - left.length - right.length;
  if (halves.length === 1 ? missing !== 0 : missing < 1) return undefined;
  const all = [...left, ...Array.from({ length: missing }, () => 0), ...right];
  const words = new Uint32Array(4);
  for (let i = 0; i < 4; i++) words[i] = all[2 * i]! * 0x10000 + all[2 * i + 1]!;
  return words;
}

/** The 16-bit groups of one half; only the last half may end in a dotted IPv4 address. */
function groups(text: string, last: boolean): number[] | undefined {
  if (text === '') return [];
  const values: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    if (last && i === parts.length - 1 && part.includes('.')) {
      const v4 = parseV4(part);
      if (v4 === undefined) return undefined;
      values.push(Math.floor(v4 / 0x10000), v4 % 0x10000);
    } else if (/^[0-9a-f]{1,4}$/i.test(part)) {
      values.push(parseInt(part, 16));
    } else {
      return undefined;
    }
  }
  return values;
}

/**
 * Parses `10.0.0.0/8`, `2001:db8::/32`, or a bare address (a network of one). Returns a string that says what is
 * wrong if it is none.
 */
export function parseNetwork(text: string): Network | string {
  const parts = /^([^/]+)(?:\/(\d{1,3}))?$/.exec(text);
  const address = parts === null ? undefined : parseAddress(parts[1]!);
  if (parts === null || address === undefined || text.includes('%')) {
    return 'expected an IPv4 or IPv6 network, e.g. 10.0.0.0/8 or 2001:db8::/32';
  }
  const size = address.family === 4 ? 32 : 128;
  const length = parts[2] === undefined ? size : Number(parts[2]);
  if (length > size) return `the prefix of an IPv${address.family} network is 0 to ${size}`;
  const bits = 128 - size + length;
  const masked = mask(address.words, bits);
  if (masked.some((word, i) => word !== address.words[i])) {
    return `bits are set behind the prefix; write ${formatNetwork(address.family, masked)}/${length}`;
  }
  return { family: address.family, words: address.words, bits };
}

function mask(words: Address, bits: number): Address {
  return words.map((word, i) => {
    const kept = Math.min(32, Math.max(0, bits - 32 * i));
    return kept === 0 ? 0 : word & (-1 << (32 - kept));
  });
}

function formatNetwork(family: 4 | 6, words: Address): string {
  const bytes = [...words].flatMap((word) => [
    word >>> 24,
    (word >>> 16) & 255,
    (word >>> 8) & 255,
    word & 255,
  ]);
  if (family === 4) return bytes.slice(12).join('.');
  const all = [...words].flatMap((word) => [word >>> 16, word & 0xffff]);
  const text = all.map((group) => group.toString(16)).join(':');
  return text.replace(/(?:^|:)0(?::0)*$/, '::');
}

/** Whether `text` is an address inside the network; false if it is no address. */
export function contains(network: Network, text: string): boolean {
  const address = parseAddress(text);
  if (address === undefined) return false;
  if (network.family === 6 && address.family === 4) return false;
  return samePrefix(address.words, network.words, network.bits);
}

/** Whether the first `bits` bits of two addresses are equal. */
export function samePrefix(one: Address, other: Address, bits: number): boolean {
  const whole = bits >>> 5;
  for (let i = 0; i < whole; i++) if (one[i] !== other[i]) return false;
  const rest = bits & 31;
  return rest === 0 || (one[whole]! ^ other[whole]!) >>> (32 - rest) === 0;
}
