/**
 * Bytes compared four at a time. A run of n bytes is read as ⌈n / 4⌉ little-endian words; the bytes of the last
 * one that lie beyond the run are masked away.
 */

/** Words that n bytes take. */
export function wordsFor(bytes: number): number {
  return (bytes + 3) >> 2;
}

/** The bits of the last word that belong to a run of n > 0 bytes. */
export function lastWordMask(bytes: number): number {
  return (-1 >>> ((-bytes & 3) << 3)) | 0;
}

/** The words of a run of bytes, the last one padded with zeros. */
export function wordsOf(bytes: Uint8Array): Int32Array {
  const padded = new Uint8Array(4 * wordsFor(bytes.length));
  padded.set(bytes);
  const view = new DataView(padded.buffer);
  return Int32Array.from({ length: wordsFor(bytes.length) }, (_, i) => view.getInt32(4 * i, true));
}
