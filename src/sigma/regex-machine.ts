/**
 * Runs expressions with look-around in time proportional to program × text.
 *
 * All ways to match are followed at once, as RE2 does. A look-around is answered beforehand, for every place of
 * the text in one pass: a look-ahead by running its reversed body from the end, a look-behind by running its
 * body from the start. The passes stand in an order in which every pass finds those inside it done.
 */

import type { Assertion, RegexNode, CharacterTest } from './regex-syntax.ts';

/** Thrown when counted repeats spell out to more instructions than allowed. */
export class ProgramTooLarge extends Error {}

/** Nodes of the tree that are visited per instruction at most. */
const MAX_VISITS = 10;

type Instruction =
  | { readonly op: 'symbol'; readonly test: CharacterTest }
  | { readonly op: 'assert'; readonly holds: Assertion }
  | { readonly op: 'look'; readonly pass: number; readonly negated: boolean }
  /** Goes on at both. */
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
    const points = Array.from(text, (character) => character.codePointAt(0)!);
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

  /** Adds the passes that answer the node, its own as the last; returns the place of that. */
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
    // Repeats of empty groups emit nothing.
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

  /** Goes on at the next instruction and at one that is not known yet. */
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

class Runner {
  readonly #pass: Pass;
  /** The step in which an instruction was last reached: each is followed once per place. */
  readonly #reached: Float64Array;
  readonly #open: number[] = [];
  /** One per place, over all texts. */
  #step = 0;
  /** The last step in which the program's end was reached. */
  #ended = 0;

  constructor(pass: Pass) {
    this.#pass = pass;
    this.#reached = new Float64Array(pass.program.length);
  }

  /** With a table, marks every place where the program matches; without, says whether there is one. */
  run(text: readonly number[], tables: readonly Uint8Array[], table: Uint8Array | undefined): boolean {
    const { program, backward } = this.#pass;
    let waiting: number[] = [];
    let next: number[] = [];
    this.#step++;
    for (let i = 0; ; i++) {
      const place = backward ? text.length - i : i;
      this.#follow(0, text, place, tables, waiting);
      if (this.#ended === this.#step) {
        if (table === undefined) return true;
        table[place] = 1;
      }
      if (i === text.length) return false;
      const point = text[backward ? place - 1 : place]!;
      this.#step++;
      next.length = 0;
      for (const at of waiting) {
        const instruction = program[at]!;
        if (instruction.op === 'symbol' && instruction.test(point))
          this.#follow(at + 1, text, backward ? place - 1 : place + 1, tables, next);
      }
      [waiting, next] = [next, waiting];
    }
  }

  /** Puts every symbol that can come next from an instruction on into `waiting`. */
  #follow(
    start: number,
    text: readonly number[],
    place: number,
    tables: readonly Uint8Array[],
    waiting: number[],
  ): void {
    const { program } = this.#pass;
    const open = this.#open;
    open.push(start);
    while (open.length > 0) {
      const at = open.pop()!;
      const instruction = program[at];
      if (instruction === undefined) {
        this.#ended = this.#step;
        continue;
      }
      if (this.#reached[at] === this.#step) continue;
      this.#reached[at] = this.#step;
      switch (instruction.op) {
        case 'symbol':
          waiting.push(at);
          break;
        case 'assert':
          if (instruction.holds(text, place)) open.push(at + 1);
          break;
        case 'look':
          if ((tables[instruction.pass]![place] === 1) !== instruction.negated) open.push(at + 1);
          break;
        case 'split':
          open.push(instruction.first, instruction.second);
          break;
        case 'jump':
          open.push(instruction.first);
          break;
      }
    }
  }
}
