/**
 * Loaded before the program: collects garbage again and again, and says among the log lines what is held then, which
 * is not what nobody has cleared away yet.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

/** Bytes. */
export interface Memory {
  /** Objects, and buffers beside them. */
  readonly held: number;
  /** All of the process, with what its allocator keeps for later. */
  readonly resident: number;
}

const EVERY_MS = 500;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
setInterval(() => {
  collect();
  const { heapUsed, external, rss } = process.memoryUsage();
  const memory: Memory = { held: heapUsed + external, resident: rss };
  process.stderr.write(`${JSON.stringify({ msg: 'garbage collected', memory })}\n`);
}, EVERY_MS).unref();
