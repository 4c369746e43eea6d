/**
 * Loaded before the program: collects garbage again and again, so that the memory of the process is what it holds, and
 * not what nobody has cleared away yet.
 */

import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';

const EVERY_MS = 500;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
setInterval(collect, EVERY_MS).unref();
