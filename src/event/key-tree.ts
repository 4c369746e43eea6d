/**
 * The wanted paths as a tree of object keys, for the scanner: a path `a.b` gives the root the key `a.b` and the
 * key `a` with `b` below it, so nested and dotted events walk the same tree.
 */

import { fieldPath, type FieldPath } from './field-path.ts';

/** A path of n segments has 2^(n-1) ways to be dotted; beyond this many segments no tree is built. */
const MAX_TREE_SEGMENTS = 8;

export interface Terminal {
  readonly path: string;
  /** Slot in the record, or -1. */
  readonly slot: number;
  readonly isTime: boolean;
  readonly isPerson: boolean;
}

/** A field whose path goes through a key or ends there, and the index of its segment after the key. */
export interface Passing {
  readonly terminal: Terminal;
  readonly path: FieldPath;
  readonly next: number;
}

/** The wanted keys of one object. */
export type KeyNode = Map<string, WantedKey>;

interface WantedKey {
  /** The field that ends here, if any. */
  terminal: Terminal | undefined;
  /** The keys wanted below, if any. */
  below: KeyNode | undefined;
  /** The paths that end here or go on below. */
  readonly passing: Passing[];
  /** Keys of the same field share a mark; of those that occur in one event, the one of lowest rank counts. */
  readonly mark: number;
  readonly rank: number;
}

/** Undefined if a path cannot be matched byte by byte or has too many segments. */
export function buildKeyTree(terminals: readonly Terminal[]): KeyNode | undefined {
  const root: KeyNode = new Map();
  let marks = terminals.length;
  for (const [mark, terminal] of terminals.entries()) {
    const path = fieldPath(terminal.path);
    const { steps } = path;
    if (steps.length > MAX_TREE_SEGMENTS || !terminal.path.isWellFormed()) return undefined;
    let rank = 0;
    const add = (node: KeyNode, from: number): void => {
      for (const { key, next } of steps[from]!) {
        const known = node.get(key);
        if (next === steps.length) {
          const passing = [...(known?.passing ?? []), { terminal, path, next }];
          node.set(key, { terminal, below: known?.below, passing, mark, rank: rank++ });
          continue;
        }
        const wanted = known ?? {
          terminal: undefined,
          below: undefined,
          passing: [],
          mark: marks++,
          rank: 0,
        };
        node.set(key, wanted);
        wanted.passing.push({ terminal, path, next });
        wanted.below ??= new Map();
        add(wanted.below, next);
      }
    };
    add(root, 0);
  }
  return root;
}
