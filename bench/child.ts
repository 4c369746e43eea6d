/** Runs one section in its own process. As a module: the parent; as a program: the process. */

import { fork } from 'node:child_process';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';

import type { Result, Size } from './section.ts';

export interface SectionRun {
  readonly result: Result;
  readonly peakMiB: number;
}

type Answer = SectionRun | { readonly error: string };

/** `folder`: the `bench` folder that has the section, beside the sources to be measured. */
export function askSection(folder: string, name: string, size: Size): Promise<SectionRun> {
  const { promise, resolve, reject } = Promise.withResolvers<SectionRun>();
  const child = fork(join(folder, 'child.ts'), [name, JSON.stringify(size)], { execArgv: ['--expose-gc'] });
  let answer: Answer | undefined;
  child.on('message', (message) => (answer = message as Answer));
  child.on('error', reject);
  child.on('exit', (code) => {
    if (answer === undefined) reject(new Error(`ended with exit code ${code} and no result`));
    else if ('error' in answer) reject(new Error(answer.error));
    else resolve(answer);
  });
  return promise;
}

if (process.argv[1] !== undefined && import.meta.url === pathToFileURL(process.argv[1]).href) {
  const [name = '', size = '{}'] = process.argv.slice(2);
  process.send!(await run(name, JSON.parse(size) as Size));
  process.disconnect();
}

async function run(name: string, size: Size): Promise<Answer> {
  try {
    const { SECTIONS } = await import('./sections.ts');
    const result = await SECTIONS.find((section) => section.name === name)!.run(size);
    return { result, peakMiB: process.resourceUsage().maxRSS / 1024 };
  } catch (error) {
    return { error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
