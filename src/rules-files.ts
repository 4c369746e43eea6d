/**
 * Rule files on disk → rule set. Walks files and folders, hands their text to the parser, and turns what
 * cannot be read into a fault of that file; only a path that leads nowhere is an error of the call.
 */

import { readFileSync, readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { VigieError, messageOf } from './errors.ts';
import { parseRules } from './sigma/parse-rules.ts';
import type { ParseOptions, RuleSource } from './sigma/parse-rules.ts';
import type { Fault, RuleSet } from './sigma/rule.ts';
import { MAX_FILE_BYTES } from './sigma/yaml-tree.ts';

/** Loads all rules of the files and folders. Throws VigieError RULES_UNREADABLE for a path that cannot be opened. */
export function loadRules(paths: readonly string[], options: ParseOptions = {}): RuleSet {
  const sources: RuleSource[] = [];
  const unreadable: Fault[] = [];
  for (const file of findRuleFiles(paths)) {
    const read = readSource(file);
    if (typeof read === 'string') sources.push({ file, text: read });
    else unreadable.push(read);
  }
  const set = parseRules(sources, options);
  return { ...set, faults: [...unreadable, ...set.faults] };
}

/**
 * The rule files under the paths: a path to a file is taken as it is, a folder is walked for `*.yml` and
 * `*.yaml`. Sorted, each once. Tests (`*.tests.yml`) and hidden folders are left out.
 */
export function findRuleFiles(paths: readonly string[]): readonly string[] {
  const files = new Map<string, string>();
  for (const start of paths) {
    for (const file of isFolder(start) ? walk(start) : [start]) {
      const identity = path.resolve(file);
      if (!files.has(identity)) files.set(identity, file);
    }
  }
  return [...files.values()];
}

function isFolder(start: string): boolean {
  try {
    return statSync(start).isDirectory();
  } catch (cause) {
    throw new VigieError('RULES_UNREADABLE', `the rules at ${start} cannot be opened: ${messageOf(cause)}`, {
      remedy: 'Give the path of a rule file or of a folder with *.yml files.',
      cause,
    });
  }
}

function walk(folder: string): string[] {
  let entries;
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (cause) {
    throw new VigieError('RULES_UNREADABLE', `the folder ${folder} cannot be read: ${messageOf(cause)}`, {
      remedy: 'Give this process the right to read the folder, or leave it out.',
      cause,
    });
  }
  return entries
    .filter((entry) => !entry.name.startsWith('.'))
    .toSorted((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const full = path.join(folder, entry.name);
      if (entry.isDirectory()) return walk(full);
      return isRuleFile(entry.name) && !(entry.isSymbolicLink() && isFolder(full)) ? [full] : [];
    });
}

function isRuleFile(name: string): boolean {
  return /\.ya?ml$/.test(name) && !/\.tests\.ya?ml$/.test(name);
}

/** The file's text, or the fault that says why not. Larger files than the parser takes are not even read. */
function readSource(file: string): string | Fault {
  const fault = (code: string, message: string): Fault => ({
    file,
    line: 1,
    column: 1,
    code,
    message,
    severity: 'error',
  });
  try {
    const { size } = statSync(file);
    if (size > MAX_FILE_BYTES) {
      return fault(
        'FILE_TOO_LARGE',
        `the file has ${size} bytes; at most ${MAX_FILE_BYTES} are read; split it`,
      );
    }
    return new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(file));
  } catch (thrown) {
    if (thrown instanceof TypeError)
      return fault('NOT_UTF8', 'the file is not UTF-8; save it in that encoding');
    return fault('FILE_UNREADABLE', `the file cannot be read: ${messageOf(thrown)}`);
  }
}
