/**
 * The two operations of both decompressors: copying bytes of the input, and repeating bytes of the output.
 *
 * Callers have checked all bounds. Short runs, which are nearly all, are copied byte by byte: calling a copy function
 * costs more.
 */

const SHORT = 32;

/** Copies `length` bytes of the input from `at` to `to`. */
export function copyLiterals(data: Buffer, at: number, length: number, out: Buffer, to: number): void {
  if (length < SHORT) for (let i = 0; i < length; i++) out[to + i] = data[at + i]!;
  else data.copy(out, to, at, at + length);
}

/** Copies `length` bytes from `distance` before `to` to `to`; an overlapping run repeats itself. */
export function copyMatch(out: Buffer, to: number, distance: number, length: number): void {
  if (length < SHORT || distance < length)
    for (let i = 0; i < length; i++) out[to + i] = out[to + i - distance]!;
  else out.copyWithin(to, to - distance, to - distance + length);
}
