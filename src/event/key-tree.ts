/**
 * The wanted paths as a tree of object keys, for the scanner.
 *
 * A path `a.b` gives the root the key `a.b` and the key `a` with `b` below it, so nested and dotted events
 * walk the same tree. An object mostly looks like the one before, so each key remembers what stood between its
 * value and the next one, byte for byte (`, "next": `), and which key that was; unwanted keys become entries,
 * too, for that purpose only. How many and how long is bounded, since keys come from outside.
 */

import { fieldPath } from './field-path.ts';
import { lastWordMask, wordsOf } from './words.ts';

const MAX_LEARNED_KEYS = 64;
const MAX_LEARNED_KEY_BYTES = 64;
const MAX_LINK_BYTES = 96;
const MISSES_TO_RELEARN = 8;
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

/** Bytes that lead from one value of an object to the next, and the key among them. */
class Link {
  readonly entry: KeyEntry;
  readonly length: number;
  readonly #words: Int32Array;
  readonly #lastMask: number;

  constructor(entry: KeyEntry, bytes: Uint8Array) {
    this.entry = entry;
    this.length = bytes.length;
    this.#words = wordsOf(bytes);
    this.#lastMask = lastWordMask(bytes.length);
  }

  isAt(view: DataView, at: number): boolean {
    const words = this.#words;
    if (at + 4 * words.length > view.byteLength) return false;
    const last = words.length - 1;
    let i = 0;
    for (; i < last; i++) if (view.getInt32(at + 4 * i, true) !== words[i]) return false;
    return ((view.getInt32(at + 4 * i, true) ^ words[i]!) & this.#lastMask) === 0;
  }
}

export class KeyEntry {
  /** UTF-8 bytes of the key. */
  readonly bytes: Uint8Array;
  /** What ends here, if anything. */
  terminal: Terminal | undefined = undefined;
  /** What is wanted below, if anything. */
  child: KeyNode | undefined = undefined;
  /** Entries that must not both occur in one event share a mark; -1 for unwanted keys. */
  mark = -1;
  /** What follows the value, as learned. */
  link: Link | undefined = undefined;
  /** Times in a row that something else followed. */
  misses = 0;

  constructor(bytes: Uint8Array) {
    this.bytes = bytes;
  }

  /**
   * Something other than the link followed: `data[start, end)`, which leads to the value of `entry`. One odd
   * event must not undo what fits the others, so only repeated misses count.
   */
  missed(entry: KeyEntry, data: Uint8Array, start: number, end: number): void {
    if (this.link !== undefined && ++this.misses < MISSES_TO_RELEARN) return;
    if (end - start > MAX_LINK_BYTES) return;
    this.link = new Link(entry, data.subarray(start, end));
    this.misses = 0;
  }

  /** True when the key is `data[at, end)`. */
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
  /** Stands for the opening brace, as the entry before the first one. */
  readonly start = new KeyEntry(new Uint8Array(0));
  /** Stands for every unwanted key there was no room to learn; it has no links. */
  readonly other = new KeyEntry(new Uint8Array(0));

  /** The entry of the key `data[at, end)`. */
  find(data: Uint8Array, at: number, end: number): KeyEntry {
    const table = this.#table;
    let i = keyHash(data, at, end);
    for (;;) {
      const entry = table[i];
      if (entry === undefined) break;
      if (entry.equals(data, at, end)) return entry;
      i = (i + 1) % TABLE_SIZE;
    }
    if (this.#learned === MAX_LEARNED_KEYS || end - at > MAX_LEARNED_KEY_BYTES) return this.other;
    this.#learned++;
    return (table[i] = new KeyEntry(Uint8Array.from(data.subarray(at, end))));
  }

  /** The entry of a wanted key, added when missing. */
  want(key: string): KeyEntry {
    const bytes = new TextEncoder().encode(key);
    let i = keyHash(bytes, 0, bytes.length);
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
