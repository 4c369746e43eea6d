/**
 * What both formats decompress by: bytes of the input as they are, and bytes of the output again.
 *
 * Callers have checked that everything lies in bounds. Short runs, which are nearly all, are copied byte by
 * byte: the call of a copy costs more.
 */

const SHORT = 32;

/** Copies `length` bytes of the input at `at` to `to`. */
export function copyLiterals(data: Buffer, at: number, length: number, out: Buffer, to: number): void {
  if (length < SHORT) for (let i = 0; i < length; i++) out[to + i] = data[at + i]!;
  else data.copy(out, to, at, at + length);
}

/** Copies `length` bytes from `distance` before `to` to `to`; what overlaps itself is repeated. */
export function copyMatch(out: Buffer, to: number, distance: number, length: number): void {
  if (length < SHORT || distance < length)
    for (let i = 0; i < length; i++) out[to + i] = out[to + i - distance]!;
  else out.copyWithin(to, to - distance, to - distance + length);
}
