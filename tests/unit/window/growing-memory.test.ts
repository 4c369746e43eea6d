import { expect, test, vi } from 'vitest';
import { GrowingMemory } from '../../../src/window/growing-memory.ts';

/** Growths that pass from copied buffers to pages and on. */
const LENGTHS = [1_000, 5_000, 70_000, 200_000, 260_000, 261_000, 3_000_000, 20_000_000];

test('what was written stays where it is through every growth, and what is new is 0', () => {
  const memory = new GrowingMemory(64);
  let written = 8;
  new Float64Array(memory.buffer).fill(1, 0, 8);
  for (const length of LENGTHS) {
    const before = memory.buffer;
    if (length <= before.byteLength) continue;
    memory.growTo(length);
    expect(before.byteLength).toBe(0);
    expect(memory.buffer.byteLength).toBeGreaterThanOrEqual(length);
    const floats = new Float64Array(memory.buffer);
    expect(floats.subarray(0, written).every((value, i) => value === 1 + Math.floor(i / 8))).toBe(true);
    expect(floats.subarray(written).every((value) => value === 0)).toBe(true);
    for (; written < floats.length; written += 1) floats[written] = 1 + Math.floor(written / 8);
  }
});

test('memory that has grown costs what is written, not what there is room for', () => {
  const memory = new GrowingMemory(64);
  memory.growTo(1_000_000);
  const before = process.memoryUsage.rss();
  memory.growTo(600_000_000);
  new Uint8Array(memory.buffer).fill(1, 0, 1_000_000);
  expect(process.memoryUsage.rss() - before).toBeLessThan(300_000_000);
});

test('where addresses cannot be reserved memory grows all the same', () => {
  const refused: unknown[] = [];
  // A stub, as no system here refuses.
  const Memory = vi.fn(function refuse(descriptor: unknown) {
    refused.push(descriptor);
    throw new RangeError('could not allocate memory');
  });
  vi.stubGlobal('WebAssembly', { Memory });
  try {
    const memory = new GrowingMemory(64);
    new Uint8Array(memory.buffer).fill(7);
    for (const length of LENGTHS) memory.growTo(length);
    expect(new Uint8Array(memory.buffer).subarray(0, 65).lastIndexOf(7)).toBe(63);
    expect(refused.length).toBeGreaterThan(0);
  } finally {
    vi.unstubAllGlobals();
  }
});
