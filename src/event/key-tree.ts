/**
 * The wanted paths as a tree of object keys, for the scanner: a path `a.b` gives the root the key `a.b` and the
 * key `a` with `b` below it, so nested and dotted events walk the same tree.
 */

import { fieldPath } from './field-path.ts';

/** A path of n segments has 2^(n-1) ways to be dotted; beyond this many segments no tree is built. */
const MAX_TREE_SEGMENTS = 8;

export interface Terminal {
  readonly path: string;
  /** Slot in the record, or -1. */
  readonly slot: number;
  readonly isTime: boolean;
  readonly isPerson: boolean;
}

/** The wanted keys of one object. */
export type KeyNode = Map<string, WantedKey>;

interface WantedKey {
  /** What ends here, if anything. */
  terminal: Terminal | undefined;
  /** What is wanted below, if anything. */
  below: KeyNode | undefined;
  /** Keys that must not both occur in one event share a mark. */
  readonly mark: number;
}

/** Undefined when a path cannot be matched byte by byte or has too many segments. */
export function buildKeyTree(terminals: readonly Terminal[]): KeyNode | undefined {
  const root: KeyNode = new Map();
  let marks = terminals.length;
  for (const [mark, terminal] of terminals.entries()) {
    const { steps } = fieldPath(terminal.path);
    if (steps.length > MAX_TREE_SEGMENTS || !terminal.path.isWellFormed()) return undefined;
    const add = (node: KeyNode, from: number): void => {
      for (const { key, next } of steps[from]!) {
        const known = node.get(key);
        if (next === steps.length) {
          node.set(key, { terminal, below: known?.below, mark });
          continue;
        }
        const wanted = known ?? { terminal: undefined, below: undefined, mark: marks++ };
        node.set(key, wanted);
        wanted.below ??= new Map();
        add(wanted.below, next);
      }
    };
    add(root, 0);
  }
  return root;
}
