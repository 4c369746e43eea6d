/** Opening what commands read: rules that load without a fault, and NDJSON line by line. */

import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { LineSplitter } from '../event/lines.ts';
import { messageOf, VigieError } from '../errors.ts';
import { loadRules } from '../rules-files.ts';
import type { Fault, RuleSet } from '../sigma/rule.ts';
import { parseDuration } from '../sigma/duration.ts';
import { UsageError } from './errors.ts';

export function faultLine({ file, line, column, severity, code, message }: Fault): string {
  return `${file}:${line}:${column}: ${severity === 'warning' ? 'warning: ' : ''}${code}: ${message}`;
}

/** Loads rules; any fault is printed to standard error and refused. Warnings are printed by `rules check` only. */
export function requireRules(paths: readonly string[]): RuleSet {
  const ruleSet = loadRules(paths);
  const errors = ruleSet.faults.filter(({ severity }) => severity === 'error');
  if (errors.length > 0) {
    for (const fault of errors) process.stderr.write(`${faultLine(fault)}\n`);
    throw new VigieError(
      'RULES_FAULTY',
      `${errors.length} fault${errors.length === 1 ? '' : 's'} in the rules under ${paths.join(', ')}`,
      {
        remedy: 'Correct the places listed above; `vigie rules check` lists them again.',
      },
    );
  }
  return ruleSet;
}

/** Calls `visit` for every line of a file or of standard input (`-`), in order. Throws INPUT_UNREADABLE. */
export async function forEachLine(
  path: string,
  visit: (data: Uint8Array, start: number, end: number, line: number) => void,
): Promise<void> {
  try {
    if (path !== '-' && (await stat(path)).isDirectory()) throw new Error('it is a folder');
    const stream = path === '-' ? process.stdin : createReadStream(path, { highWaterMark: 1 << 20 });
    const splitter = new LineSplitter();
    for await (const chunk of stream) splitter.push(chunk as Buffer, visit);
    splitter.finish(visit);
  } catch (error) {
    throw new VigieError('INPUT_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, {
      remedy: 'Give the path of a readable NDJSON file, or - for standard input.',
      cause: error,
    });
  }
}

/** A duration option in ms. */
export function durationOption(name: string, text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined)
    throw new UsageError(`${name} is ${JSON.stringify(text)}: expected a duration such as 60s, 5m or 24h`);
  return ms;
}
