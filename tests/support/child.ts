/** Processes of this project that tests start and wait for, and that end with the test. */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import type { Readable, Writable } from 'node:stream';
import { fileURLToPath } from 'node:url';

export interface Child {
  readonly pid: number;
  /** The first line it printed. */
  readonly firstLine: string;
  /** Closes its standard input, which the scripts here take as a request to end, and waits for the exit. */
  stop(): Promise<void>;
  kill(): Promise<void>;
}

/** Starts `script` (in this folder) with Node, and resolves once it has printed its first line. */
export async function startChild(script: string, args: readonly string[]): Promise<Child> {
  const path = fileURLToPath(new URL(script, import.meta.url));
  const child = spawn(process.execPath, [path, ...args], { stdio: ['pipe', 'pipe', 'pipe'] });
  const exited = once(child, 'exit');
  let errors = '';
  child.stderr.on('data', (chunk: Buffer) => {
    errors += chunk.toString();
  });
  const firstLine = await Promise.race([
    firstLineOf(child),
    exited.then(() => {
      throw new Error(`${script} ended before it was ready: ${errors}`);
    }),
  ]);
  return {
    pid: child.pid!,
    firstLine,
    async stop() {
      child.stdin.end();
      await exited;
    },
    async kill() {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

async function firstLineOf(child: ChildProcessByStdio<Writable, Readable, Readable>): Promise<string> {
  const [line] = (await once(createInterface(child.stdout), 'line')) as [string];
  return line;
}
