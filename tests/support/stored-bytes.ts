/** Bytes in memory that are read like those of a file. */

import type { StoredState } from '../../src/pipeline/snapshot-file.ts';

export function storedIn(bytes: Uint8Array): StoredState {
  const readNow = (into: Uint8Array, from: number): number => {
    const part = bytes.subarray(from, from + into.length);
    into.set(part);
    return part.length;
  };
  return {
    length: bytes.length,
    read: async (into, from) => readNow(into, from),
    readNow,
    close: async () => {},
  };
}
