/**
 * The wanted paths as a tree of object keys, for the scanner.
 *
 * A path `a.b` gives the root the key `a.b` and the key `a` with `b` below it, so nested and dotted events
 * walk the same tree. An object's keys usually come in the order of the object before, so each entry
 * remembers which one followed it; unwanted keys become entries, too, for that purpose only. How many and how
 * long is bounded, since keys come from outside.
 */

import { fieldPath } from './field-path.ts';
import { lastWordMask, wordsFor } from './words.ts';

const MAX_LEARNED_KEYS = 64;
const MAX_LEARNED_KEY_BYTES = 64;
const TABLE_SIZE = 256;

/** A path of n segments has 2^(n-1) ways to be dotted; beyond this many segments no tree is built. */
const MAX_TREE_SEGMENTS = 8;

export interface Terminal {
  readonly path: string;
  /** Slot in the record, or -1. */
  readonly slot: number;
  readonly isTime: boolean;
  readonly isPerson: boolean;
}

export class KeyEntry {
  /** UTF-8 bytes of the key and its closing quote. */
  readonly bytes: Uint8Array;
  /** What ends here, if anything. */
  terminal: Terminal | undefined = undefined;
  /** What is wanted below, if anything. */
  child: KeyNode | undefined = undefined;
  /** Entries that must not both occur in one event share a mark; -1 for unwanted keys. */
  mark = -1;
  /** The entry that followed last time. */
  next: KeyEntry | undefined = undefined;

  readonly #words: Int32Array;
  readonly #lastMask: number;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
    const padded = new Uint8Array(4 * wordsFor(bytes.length));
    padded.set(bytes);
    const view = new DataView(padded.buffer);
    this.#words = Int32Array.from({ length: wordsFor(bytes.length) }, (_, i) => view.getInt32(4 * i, true));
    this.#lastMask = lastWordMask(bytes.length);
  }

  /** True when the bytes at `at` are the key and its closing quote. */
  isAt(view: DataView, at: number): boolean {
    const words = this.#words;
    if (at + 4 * words.length > view.byteLength) return false;
    const last = words.length - 1;
    let i = 0;
    for (; i < last; i++) if (view.getInt32(at + 4 * i, true) !== words[i]) return false;
    return ((view.getInt32(at + 4 * i, true) ^ words[i]!) & this.#lastMask) === 0;
  }

  /** True when `data[at, end)` is the key and its closing quote. */
  equals(data: Uint8Array, at: number, end: number): boolean {
    const bytes = this.bytes;
    if (bytes.length !== end - at) return false;
    for (let i = 0; i < bytes.length; i++) if (data[at + i] !== bytes[i]) return false;
    return true;
  }
}

/** The keys of interest of one object, and those learned beside them. */
export class KeyNode {
  readonly #table: (KeyEntry | undefined)[] = Array.from({ length: TABLE_SIZE });
  #learned = 0;
  /** Stands for every unwanted key there was no room to learn. */
  readonly other = new KeyEntry(Uint8Array.of(0));
  /** The entry that came first last time. */
  first: KeyEntry | undefined = undefined;

  /** The entry of the key `data[at, end)`, with the closing quote at `end`. */
  find(data: Uint8Array, at: number, end: number): KeyEntry {
    const table = this.#table;
    let i = keyHash(data, at, end);
    for (;;) {
      const entry = table[i];
      if (entry === undefined) break;
      if (entry.equals(data, at, end + 1)) return entry;
      i = (i + 1) % TABLE_SIZE;
    }
    if (this.#learned === MAX_LEARNED_KEYS || end - at > MAX_LEARNED_KEY_BYTES) return this.other;
    this.#learned++;
    return (table[i] = new KeyEntry(data.slice(at, end + 1)));
  }

  /** The entry of a wanted key, added when missing. */
  want(key: string): KeyEntry {
    const bytes = new TextEncoder().encode(`${key}"`);
    const end = bytes.length - 1;
    let i = keyHash(bytes, 0, end);
    for (;;) {
      const entry = this.#table[i];
      if (entry === undefined) return (this.#table[i] = new KeyEntry(bytes));
      if (entry.equals(bytes, 0, bytes.length)) return entry;
      i = (i + 1) % TABLE_SIZE;
    }
  }
}

/** Only spreads the entries over the table; equality is always checked on the bytes. */
function keyHash(data: Uint8Array, at: number, end: number): number {
  if (at === end) return 0;
  const middle = data[(at + end) >> 1]!;
  return (data[at]! * 7 + middle * 31 + data[end - 1]! * 61 + (end - at) * 13) % TABLE_SIZE;
}

/**
 * The tree of all terminals and the number of marks in it; undefined when a path cannot be matched byte by
 * byte or has too many segments or keys.
 */
export function buildKeyTree(terminals: readonly Terminal[]): { root: KeyNode; marks: number } | undefined {
  const root = new KeyNode();
  let marks = terminals.length;
  const wantedKeys = new Map<KeyNode, Set<KeyEntry>>();
  for (const [mark, terminal] of terminals.entries()) {
    const { steps } = fieldPath(terminal.path);
    if (steps.length > MAX_TREE_SEGMENTS || !terminal.path.isWellFormed()) return undefined;
    const add = (node: KeyNode, from: number): void => {
      for (const step of steps[from]!) {
        const entry = node.want(step.key);
        wantedKeys.set(node, (wantedKeys.get(node) ?? new Set()).add(entry));
        if (step.next === steps.length) {
          entry.terminal = terminal;
          entry.mark = mark;
        } else {
          if (entry.mark < 0) entry.mark = marks++;
          entry.child ??= new KeyNode();
          add(entry.child, step.next);
        }
      }
    };
    add(root, 0);
    // Half of the table stays free for learned keys, so that a search always ends.
    if ([...wantedKeys.values()].some((keys) => keys.size > TABLE_SIZE / 2)) return undefined;
  }
  return { root, marks };
}
