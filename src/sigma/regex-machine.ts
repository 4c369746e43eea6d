/**
 * Runs expressions with look-around in time proportional to program × text.
 *
 * All ways to match are followed at once, as in RE2. Look-arounds are evaluated beforehand, for every place of the
 * text in one pass: a look-ahead by running its reversed body from the end, a look-behind by running its body from
 * the start. Passes are ordered so that each finds the passes inside it done.
 */

import { START } from './regex-syntax.ts';
import type { Assertion, CharacterTest, RegexNode } from './regex-syntax.ts';

/** Thrown if counted repeats expand to more instructions than allowed. */
export class ProgramTooLarge extends Error {}

/** Most nodes of the tree visited per allowed instruction. */
const MAX_VISITS = 10;

type Instruction =
  | { readonly op: 'symbol'; readonly test: CharacterTest }
  | { readonly op: 'assert'; readonly holds: Assertion }
  | { readonly op: 'look'; readonly pass: number; readonly negated: boolean }
  /** Continues at both. */
  | { readonly op: 'split'; first: number; second: number }
  | { readonly op: 'jump'; first: number };

interface Pass {
  readonly program: Instruction[];
  /** Runs from the text's end to its start, over a reversed program. */
  readonly backward: boolean;
}

export interface Machine {
  /** Whether the expression is found anywhere in the text. */
  readonly test: (text: string) => boolean;
  /** Instructions of all passes: a test costs at most this much per character. */
  readonly size: number;
}

/** Throws ProgramTooLarge. */
export function buildMachine(root: RegexNode, maxSize: number): Machine {
  const builder = new Builder(maxSize);
  builder.pass(root, false);
  const runners = builder.passes.map((pass) => new Runner(pass));
  const test = (text: string): boolean => {
    const points = codePoints(text);
    const tables: Uint8Array[] = [];
    for (const runner of runners.slice(0, -1)) {
      const table = new Uint8Array(points.length + 1);
      runner.run(points, tables, table);
      tables.push(table);
    }
    return runners.at(-1)!.run(points, tables, undefined);
  };
  return { test, size: builder.size };
}

class Builder {
  readonly passes: Pass[] = [];
  size = 0;
  readonly #maxSize: number;
  #visits = 0;
  #program: Instruction[] = [];
  #backward = false;

  constructor(maxSize: number) {
    this.#maxSize = maxSize;
  }

  /** Adds the passes that evaluate the node, its own last. Returns the index of that one. */
  pass(node: RegexNode, backward: boolean): number {
    const outer = { program: this.#program, backward: this.#backward };
    this.#program = [];
    this.#backward = backward;
    this.#add(node);
    this.passes.push({ program: this.#program, backward });
    this.#program = outer.program;
    this.#backward = outer.backward;
    return this.passes.length - 1;
  }

  #add(node: RegexNode): void {
    // Repeats of empty groups emit nothing, so visits are bounded too.
    if (++this.#visits > MAX_VISITS * this.#maxSize) throw new ProgramTooLarge();
    switch (node.kind) {
      case 'symbol':
        this.#emit({ op: 'symbol', test: node.test });
        break;
      case 'assertion':
        this.#emit({ op: 'assert', holds: node.holds });
        break;
      case 'look':
        this.#emit({ op: 'look', pass: this.pass(node.node, node.ahead), negated: node.negated });
        break;
      case 'sequence':
        for (const part of this.#backward ? node.nodes.toReversed() : node.nodes) this.#add(part);
        break;
      case 'choice':
        this.#choice(node.nodes);
        break;
      case 'repeat':
        this.#repeat(node.node, node.min, node.max);
        break;
    }
  }

  #choice(nodes: readonly RegexNode[]): void {
    const ends: { first: number }[] = [];
    for (const [i, node] of nodes.entries()) {
      if (i === nodes.length - 1) {
        this.#add(node);
        break;
      }
      const split = this.#split();
      this.#add(node);
      const jump = { op: 'jump' as const, first: 0 };
      this.#emit(jump);
      ends.push(jump);
      split.second = this.#program.length;
    }
    for (const jump of ends) jump.first = this.#program.length;
  }

  #repeat(node: RegexNode, min: number, max: number): void {
    for (let i = 0; i < min; i++) this.#add(node);
    if (max === Infinity) {
      const start = this.#program.length;
      const split = this.#split();
      this.#add(node);
      this.#emit({ op: 'jump', first: start });
      split.second = this.#program.length;
      return;
    }
    const splits: { second: number }[] = [];
    for (let i = min; i < max; i++) {
      splits.push(this.#split());
      this.#add(node);
    }
    for (const split of splits) split.second = this.#program.length;
  }

  /** Continues at the next instruction and at one that is not known yet. */
  #split(): { second: number } {
    const split = { op: 'split' as const, first: this.#program.length + 1, second: 0 };
    this.#emit(split);
    return split;
  }

  #emit(instruction: Instruction): void {
    this.#program.push(instruction);
    if (++this.size > this.#maxSize) throw new ProgramTooLarge();
  }
}

const SYMBOL = 0;
const ASSERT = 1;
const LOOK = 2;
const SPLIT = 3;
const JUMP = 4;
const OPS = { symbol: SYMBOL, assert: ASSERT, look: LOOK, split: SPLIT, jump: JUMP } as const;

/** Runs one pass. Not reentrant. */
class Runner {
  readonly #backward: boolean;
  /** A match can begin only at the text's start. */
  readonly #anchored: boolean;
  readonly #size: number;
  /** Per instruction: its operation, and where a split or jump continues or which pass a look-around is. */
  readonly #ops: Uint8Array;
  readonly #first: Int32Array;
  readonly #second: Int32Array;
  readonly #symbols: readonly CharacterTest[];
  readonly #assertions: readonly Assertion[];
  /** The step in which an instruction was last reached: each is followed once per place. */
  readonly #reached: Float64Array;
  readonly #open: number[] = [];
  /** One per place, over all texts. */
  #step = 0;
  /** The last step that reached the program's end. */
  #ended = 0;

  constructor({ program, backward }: Pass) {
    this.#backward = backward;
    this.#size = program.length;
    this.#reached = new Float64Array(program.length);
    this.#ops = Uint8Array.from(program, ({ op }) => OPS[op]);
    this.#first = Int32Array.from(program, (instruction) => {
      if (instruction.op === 'look') return instruction.pass;
      return 'first' in instruction ? instruction.first : 0;
    });
    this.#second = Int32Array.from(program, (instruction) => {
      if (instruction.op === 'look') return instruction.negated ? 1 : 0;
      return instruction.op === 'split' ? instruction.second : 0;
    });
    this.#symbols = program.map((instruction) => (instruction.op === 'symbol' ? instruction.test : never));
    this.#assertions = program.map((instruction) =>
      instruction.op === 'assert' ? instruction.holds : never,
    );
    this.#anchored = !backward && this.#assertions[0] === START;
  }

  /** With a table, marks every place where the program matches. Without, returns whether there is one. */
  run(text: readonly number[], tables: readonly Uint8Array[], table: Uint8Array | undefined): boolean {
    const backward = this.#backward;
    const symbols = this.#symbols;
    let waiting: number[] = [];
    let next: number[] = [];
    this.#step++;
    for (let i = 0; ; i++) {
      const place = backward ? text.length - i : i;
      if (i === 0 || !this.#anchored) this.#follow(0, text, place, tables, waiting);
      if (this.#ended === this.#step) {
        if (table === undefined) return true;
        table[place] = 1;
      }
      if (i === text.length || (this.#anchored && waiting.length === 0)) return false;
      const point = text[backward ? place - 1 : place]!;
      this.#step++;
      next.length = 0;
      for (let w = 0; w < waiting.length; w++) {
        const at = waiting[w]!;
        if (symbols[at]!(point)) this.#follow(at + 1, text, backward ? place - 1 : place + 1, tables, next);
      }
      const emptied = waiting;
      waiting = next;
      next = emptied;
    }
  }

  /** Adds to `waiting` every symbol that can come next from `start` on. */
  #follow(
    start: number,
    text: readonly number[],
    place: number,
    tables: readonly Uint8Array[],
    waiting: number[],
  ): void {
    const open = this.#open;
    let count = 0;
    let at = start;
    for (;;) {
      if (at === this.#size) {
        this.#ended = this.#step;
      } else if (this.#reached[at] !== this.#step) {
        this.#reached[at] = this.#step;
        switch (this.#ops[at]) {
          case SYMBOL:
            waiting.push(at);
            break;
          case ASSERT:
            if (this.#assertions[at]!(text, place)) open[count++] = at + 1;
            break;
          case LOOK:
            if (tables[this.#first[at]!]![place] !== this.#second[at]) open[count++] = at + 1;
            break;
          case SPLIT:
            open[count++] = this.#second[at]!;
            open[count++] = this.#first[at]!;
            break;
          default:
            open[count++] = this.#first[at]!;
        }
      }
      if (count === 0) return;
      at = open[--count]!;
    }
  }
}

function never(): boolean {
  return false;
}

function codePoints(text: string): number[] {
  const points: number[] = [];
  for (let i = 0; i < text.length; i++) {
    const point = text.codePointAt(i)!;
    if (point > 0xffff) i++;
    points.push(point);
  }
  return points;
}
