/**
 * Rule files on disk → rule set. Walks files and folders, hands their text to the parser, and turns a file that
 * cannot be read into a fault of that file; only a path or folder that cannot be opened is an error of the call.
 */

import { readdirSync, realpathSync, statSync } from 'node:fs';
import path from 'node:path';
import { VigieError, messageOf } from '../errors.ts';
import { listFolders, loadLists } from './list-files.ts';
import { parseRules } from '../sigma/parse-rules.ts';
import type { ParseOptions, RuleSource } from '../sigma/parse-rules.ts';
import type { Fault, RuleSet } from '../sigma/rule.ts';
import { MAX_FILE_BYTES } from '../sigma/yaml-tree.ts';
import { readTextFile } from './text-file.ts';

export interface LoadOptions extends Omit<ParseOptions, 'lists'> {
  /** Folder of lookup lists that take the place of those beside the rules. */
  readonly listsFolder?: string | undefined;
}

/**
 * Loads all rules of the files and folders, and the lookup lists for them. Throws VigieError RULES_UNREADABLE
 * for a path, and LISTS_UNREADABLE for a folder of lists, that cannot be opened.
 */
export function loadRules(paths: readonly string[], options: LoadOptions = {}): RuleSet {
  const sources: RuleSource[] = [];
  const unreadable: Fault[] = [];
  for (const file of findRuleFiles(paths)) {
    const read = otherThanRules(file) ?? readTextFile(file, MAX_FILE_BYTES, paths.includes(file));
    if (typeof read === 'string') sources.push({ file, text: read });
    else unreadable.push(read);
  }
  const { listsFolder, ...parseOptions } = options;
  const { lists, faults } = loadLists(listFolders(paths, listsFolder));
  const set = parseRules(sources, { ...parseOptions, lists });
  return { ...set, faults: [...faults, ...unreadable, ...set.faults] };
}

/** The fault that there is no rule; none if faulty files already say why. */
export function noRules(paths: readonly string[], { rules, correlations, faults }: RuleSet): Fault[] {
  const isSaid = faults.some(({ severity }) => severity === 'error');
  if (isSaid || rules.length + correlations.length > 0) return [];
  const file = paths.join(', ');
  const message = `there is no rule under ${file}`;
  return [{ file, line: 1, column: 1, code: 'NO_RULES', message, severity: 'error' }];
}

/**
 * The rule files under the paths: a path to a file is taken as it is, a folder is walked for `*.yml` and `*.yaml`.
 * Sorted per folder, each file once. Tests (`*.tests.yml`) and hidden folders are left out.
 */
export function findRuleFiles(paths: readonly string[]): readonly string[] {
  return eachOnce(paths, (start) => (isFolder(start) ? filesUnder(start).filter(isRuleFile) : [start]));
}

/** The tests of the rules there: those in a folder, and those beside a file. Sorted per path, each file once. */
export function findTestFiles(paths: readonly string[]): readonly string[] {
  return eachOnce(paths, (start) => {
    if (isFolder(start)) return filesUnder(start).filter((file) => TESTS_FILE.test(file));
    const stem = path.basename(start).replace(YAML, '');
    return namesIn(path.dirname(start))
      .filter((name) => TESTS_FILE.test(name) && name.replace(TESTS_FILE, '').replace(YAML, '') === stem)
      .map((name) => path.join(path.dirname(start), name));
  });
}

function eachOnce(
  paths: readonly string[],
  filesAt: (start: string) => readonly string[],
): readonly string[] {
  const files = new Map<string, string>();
  for (const file of paths.flatMap(filesAt)) {
    const identity = realPath(file);
    if (!files.has(identity)) files.set(identity, file);
  }
  return [...files.values()];
}

/** The path with its links resolved; a path that leads nowhere is only made absolute. */
export function realPath(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return path.resolve(file);
  }
}

function isFolder(start: string): boolean {
  try {
    return statSync(start).isDirectory();
  } catch (cause) {
    throw new VigieError('RULES_UNREADABLE', `the rules at ${start} cannot be opened: ${messageOf(cause)}`, {
      remedy: 'Give the path of a rule file or of a folder with *.yml files (VIGIE_RULES, --rules).',
      cause,
    });
  }
}

/**
 * The files of a folder and its subfolders, without hidden ones, sorted. Links are followed, and no folder is
 * walked twice.
 */
function filesUnder(folder: string, seen = new Set<string>()): string[] {
  const real = realPath(folder);
  if (seen.has(real)) return [];
  seen.add(real);
  return namesIn(folder)
    .filter((name) => !name.startsWith('.'))
    .flatMap((name) => {
      const full = path.join(folder, name);
      return leadsToFolder(full) ? filesUnder(full, seen) : [full];
    });
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).sort();
  } catch (cause) {
    throw new VigieError('RULES_UNREADABLE', `the folder ${folder} cannot be read: ${messageOf(cause)}`, {
      remedy: 'Give this process the right to read the folder, or leave it out.',
      cause,
    });
  }
}

/** False for a link that leads nowhere: reading it reports that. */
function leadsToFolder(place: string): boolean {
  try {
    return statSync(place).isDirectory();
  } catch {
    return false;
  }
}

const YAML = /\.ya?ml$/i;
const EVENTS_FILE = /\.(?:ndjson|jsonl)(?:\.gz)?$/i;
const TESTS_FILE = /\.tests(?=\.ya?ml$)/i;

function isRuleFile(name: string): boolean {
  return YAML.test(name) && !TESTS_FILE.test(name);
}

/** The fault of a file of tests or events named as rules. */
function otherThanRules(file: string): Fault | undefined {
  const fault = (code: string, message: string): Fault => ({
    file,
    line: 1,
    column: 1,
    code,
    message,
    severity: 'error',
  });
  if (TESTS_FILE.test(file)) {
    const rules = file.replace(TESTS_FILE, '');
    return fault(
      'TESTS_NOT_RULES',
      `the file holds tests, not rules; give the rules (${rules}, or their folder), and \`vigie rules test\` finds the tests beside them`,
    );
  }
  if (!EVENTS_FILE.test(file)) return undefined;
  return fault(
    'EVENTS_NOT_RULES',
    'the file holds events, not rules; they are given with --input, or to `vigie rules explain` with --event',
  );
}
