/**
 * Files of lookup lists → lists, and lists kept up to date with their files.
 *
 * A list `NAME` is a file `NAME.csv`. Rules bring lists of their own in a folder `lists` beside them; a list of
 * the same name in the configured folder replaces theirs as a whole.
 */

import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { messageOf, VigieError } from '../errors.ts';
import { type ListContents, type ListFault, Lists, LookupList } from '../lookup/list.ts';
import { MAX_LIST_BYTES, parseList } from '../lookup/parse-list.ts';
import type { Fault } from '../sigma/rule.ts';
import { readTextFile } from './text-file.ts';

/**
 * The folders with lists for rules, in order of increasing precedence: for each path of rules the folder `lists`
 * inside it or, failing that, beside it, then `configured`.
 */
export function listFolders(rulePaths: readonly string[], configured: string | undefined): readonly string[] {
  const beside = rulePaths.flatMap((start) => {
    const inside = isFolder(start) ? start : path.dirname(start);
    const found = [path.join(inside, 'lists'), path.join(inside, '..', 'lists')].find(isFolder);
    return found === undefined ? [] : [found];
  });
  return [...new Set([...beside, ...(configured === undefined ? [] : [configured])])];
}

/** The configured folder; without one, `lists` in the working directory if it exists. */
export function listsFolder(configured: string | undefined): string | undefined {
  return configured ?? (isFolder('lists') ? 'lists' : undefined);
}

/** False for a folder that cannot be inspected: what is in it cannot be read either. */
function isFolder(place: string): boolean {
  try {
    return statSync(place).isDirectory();
  } catch {
    return false;
  }
}

/**
 * Loads all lists. A file with a fault gives no list. Throws VigieError LISTS_UNREADABLE for a folder that cannot
 * be opened.
 */
export function loadLists(folders: readonly string[]): {
  readonly lists: Lists;
  readonly faults: readonly Fault[];
} {
  const lists: LookupList[] = [];
  const faulty: string[] = [];
  const faults: Fault[] = [];
  for (const [name, file] of findLists(folders)) {
    const version = versionOf(file);
    const read = readList(file);
    if ('contents' in read) {
      lists.push(new LookupList(name, file, read.contents, version));
      continue;
    }
    faulty.push(name);
    faults.push(...read.faults);
  }
  return { lists: new Lists(lists, faulty), faults };
}

/** Name → file; of files of the same name the one in the last folder. Throws LISTS_UNREADABLE. */
export function findLists(folders: readonly string[]): ReadonlyMap<string, string> {
  const files = new Map<string, string>();
  for (const folder of folders) {
    let entries;
    try {
      entries = readdirSync(folder);
    } catch (cause) {
      throw new VigieError('LISTS_UNREADABLE', `the lists in ${folder} cannot be read: ${messageOf(cause)}`, {
        remedy: 'Give a folder that holds lists as NAME.csv (VIGIE_LISTS, --lists), or leave it out.',
        cause,
      });
    }
    for (const entry of entries.sort()) {
      if (entry.endsWith('.csv') && !entry.startsWith('.'))
        files.set(entry.slice(0, -'.csv'.length), path.join(folder, entry));
    }
  }
  return files;
}

function readList(file: string): { readonly contents: ListContents } | { readonly faults: readonly Fault[] } {
  const text = readTextFile(file, MAX_LIST_BYTES);
  if (typeof text !== 'string') return { faults: [text] };
  const parsed = parseList(text);
  if ('contents' in parsed) return parsed;
  return { faults: parsed.faults.map((fault) => ({ ...fault, file, column: 1, severity: 'error' })) };
}

/**
 * Identifies what a file holds, as far as the file system tells, and whether it may be read: a change of rights
 * changes `ctimeMs`. For a file that is gone or cannot be inspected, the reason.
 */
export function versionOf(file: string): string {
  try {
    const { ino, mtimeMs, ctimeMs, size } = statSync(file);
    return `${file} ${ino} ${mtimeMs} ${ctimeMs} ${size}`;
  } catch (error) {
    return messageOf(error);
  }
}

export interface ListWatchHooks {
  readonly onReplaced: (list: LookupList) => void;
  /** A changed file was refused: what was in force stays so. Called once for each state of the file. */
  readonly onRefused: (list: LookupList, file: string, faults: readonly ListFault[]) => void;
}

/**
 * Checks whether files changed, whenever it is told to. A changed file is taken once it is the same at two looks
 * in a row, so that a file still being written is not taken by halves.
 */
export class ListWatch {
  readonly #lists: Lists;
  readonly #folders: readonly string[];
  readonly #hooks: ListWatchHooks;
  /** By list: the version of its file at the previous look, and the last version that was refused. */
  readonly #settling = new Map<string, string>();
  readonly #refused = new Map<string, string>();

  constructor(lists: Lists, folders: readonly string[], hooks: ListWatchHooks) {
    this.#lists = lists;
    this.#folders = folders;
    this.#hooks = hooks;
  }

  /** Never throws: a list that cannot be read keeps its rows. */
  look(): void {
    let files: ReadonlyMap<string, string>;
    let unreadable = 'the file of the list is gone';
    try {
      files = findLists(this.#folders);
    } catch (error) {
      files = new Map();
      unreadable = messageOf(error);
    }
    for (const list of this.#lists.all) {
      const file = files.get(list.name);
      if (file === undefined) {
        this.#refuse(list, list.file, 'gone', [{ line: 1, code: 'LIST_GONE', message: unreadable }]);
        continue;
      }
      this.#lookAt(list, file);
    }
  }

  #lookAt(list: LookupList, file: string): void {
    const version = versionOf(file);
    if (version === list.version) {
      this.#refused.delete(list.name);
      this.#settling.delete(list.name);
    } else if (version !== this.#settling.get(list.name)) {
      this.#settling.set(list.name, version);
    } else if (version !== this.#refused.get(list.name)) {
      const read = readList(file);
      const faults = 'faults' in read ? read.faults : list.replace(read.contents, file, version);
      if (faults.length > 0) this.#refuse(list, file, version, faults);
      else this.#hooks.onReplaced(list);
    }
  }

  #refuse(list: LookupList, file: string, version: string, faults: readonly ListFault[]): void {
    if (this.#refused.get(list.name) === version) return;
    this.#refused.set(list.name, version);
    this.#hooks.onRefused(list, file, faults);
  }
}
