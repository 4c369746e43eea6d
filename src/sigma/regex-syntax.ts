/**
 * Parses a regular expression that RE2 does not accept. Whatever stands for one character (a class, `\d`, a letter
 * under `i`) is left to RE2 itself, so it means the same on both engines.
 */

import { RE2JS } from 're2js';

/** Whether a code point is one that the symbol stands for. */
export type CharacterTest = (codePoint: number) => boolean;

/** Whether something holds before `text[position]`, counted in code points. */
export type Assertion = (text: readonly number[], position: number) => boolean;

export type RegexNode =
  | { readonly kind: 'symbol'; readonly test: CharacterTest }
  | { readonly kind: 'assertion'; readonly holds: Assertion }
  | { readonly kind: 'sequence' | 'choice'; readonly nodes: readonly RegexNode[] }
  /** `max` is Infinity for an open repeat. */
  | { readonly kind: 'repeat'; readonly node: RegexNode; readonly min: number; readonly max: number }
  | {
      readonly kind: 'look';
      readonly node: RegexNode;
      readonly ahead: boolean;
      readonly negated: boolean;
    };

/** Why an expression cannot be parsed. `backReference`: the parser stopped at one, which it does not support. */
export class RegexSyntaxError extends Error {
  readonly backReference: boolean;

  constructor(message: string, backReference = false) {
    super(message);
    this.backReference = backReference;
  }
}

/** Deepest nesting of groups: the parser recurses. */
const MAX_DEPTH = 200;

/** Answers per symbol remembered for characters outside Latin-1 before all are forgotten. */
const MAX_REMEMBERED = 2_000;

const LINE_FEED = 10;

/** The start of the text. */
export const START: Assertion = (_, position) => position === 0;
const END: Assertion = (text, position) => position === text.length;
const START_OF_LINE: Assertion = (text, position) => position === 0 || text[position - 1] === LINE_FEED;
const END_OF_LINE: Assertion = (text, position) => position === text.length || text[position] === LINE_FEED;
const END_OR_LAST_LINE_FEED: Assertion = (text, position) =>
  position === text.length || (position === text.length - 1 && text[position] === LINE_FEED);
const WORD_EDGE: Assertion = (text, position) => isWord(text[position - 1]) !== isWord(text[position]);
const NO_WORD_EDGE: Assertion = (text, position) => !WORD_EDGE(text, position);

const ESCAPED_ASSERTIONS: ReadonlyMap<string, Assertion> = new Map([
  ['A', START],
  ['z', END],
  ['Z', END_OR_LAST_LINE_FEED],
  ['b', WORD_EDGE],
  ['B', NO_WORD_EDGE],
]);

/** ASCII letters, digits and the underscore, as in RE2. */
const WORD = Uint8Array.from({ length: 128 }, (_, code) => (/\w/.test(String.fromCodePoint(code)) ? 1 : 0));

function isWord(codePoint: number | undefined): boolean {
  return codePoint !== undefined && WORD[codePoint] === 1;
}

/** A look-around that is not inside another. */
interface LookAround {
  /** Offsets of its opening parenthesis and of what follows its closing one. */
  readonly start: number;
  readonly end: number;
  readonly body: string;
  readonly ahead: boolean;
  readonly negated: boolean;
}

export interface ParsedRegex {
  readonly root: RegexNode;
  readonly looks: readonly LookAround[];
  /** The expression without its look-arounds: it matches wherever the whole one does, and perhaps elsewhere. */
  readonly wider: string;
}

/** Throws RegexSyntaxError. `flags` is a subset of `ims`. */
export function parseRegex(source: string, flags: string): ParsedRegex {
  return new Reader(source, flags).read();
}

class Reader {
  readonly #source: string;
  readonly #symbols = new Map<string, RegexNode>();
  #at = 0;
  #flags: ReadonlySet<string>;
  #depth = 0;
  readonly #looks: LookAround[] = [];
  #inLook = false;

  constructor(source: string, flags: string) {
    this.#source = source;
    this.#flags = new Set(flags);
  }

  read(): ParsedRegex {
    const root = this.#choice();
    if (this.#at < this.#source.length) throw new RegexSyntaxError('it has a ) without its (');
    let wider = '';
    let from = 0;
    for (const { start, end } of this.#looks) {
      wider += `${this.#source.slice(from, start)}(?:)`;
      from = end;
    }
    return { root, looks: this.#looks, wider: wider + this.#source.slice(from) };
  }

  /** Parses up to the group's end. Flags set inside hold until there. */
  #choice(): RegexNode {
    if (++this.#depth > MAX_DEPTH) throw new RegexSyntaxError('its groups are nested too deep');
    const outer = this.#flags;
    const choices: RegexNode[] = [];
    do choices.push(this.#sequence());
    while (this.#take('|'));
    this.#flags = outer;
    this.#depth--;
    return choices.length === 1 ? choices[0]! : { kind: 'choice', nodes: choices };
  }

  #sequence(): RegexNode {
    const nodes: RegexNode[] = [];
    while (this.#at < this.#source.length && !this.#sees(/[|)]/y)) {
      if (this.#take('\\Q')) {
        const end = this.#source.indexOf('\\E', this.#at);
        const quoted = this.#source.slice(this.#at, end < 0 ? undefined : end);
        this.#at = end < 0 ? this.#source.length : end + 2;
        const literals = Array.from(quoted, (character) => this.#literal(character));
        const last = literals.pop();
        // As in RE2, a repeat behind the quotation applies to its last character.
        if (last !== undefined) nodes.push(...literals, this.#repeated(last));
      } else {
        const node = this.#item();
        if (node !== undefined) nodes.push(this.#repeated(node));
      }
    }
    return { kind: 'sequence', nodes };
  }

  #repeated(node: RegexNode): RegexNode {
    const repeat = this.#match(/[*+?]|\{(\d+)(,?)(\d*)\}/y);
    if (repeat === undefined) return node;
    const [token, low, comma, high] = repeat;
    if (this.#take('+')) {
      throw new RegexSyntaxError(`"${token}+" never gives back what it took, which is no longer linear`);
    }
    this.#take('?');
    if (this.#sees(/[*+?]|\{\d+,?\d*\}/y)) {
      throw new RegexSyntaxError(`"${token}" is followed by another repeat; put a group between them`);
    }
    let [min, max] = token === '*' ? [0, Infinity] : token === '+' ? [1, Infinity] : [0, 1];
    if (low !== undefined) {
      min = Number(low);
      max = comma === '' ? min : high === '' ? Infinity : Number(high);
      if (max < min) throw new RegexSyntaxError(`"${token}" has its bounds in the wrong order`);
    }
    return { kind: 'repeat', node, min, max };
  }

  #item(): RegexNode | undefined {
    if (this.#take('(')) return this.#group();
    if (this.#take('^')) return assertion(this.#flags.has('m') ? START_OF_LINE : START);
    if (this.#take('$')) return assertion(this.#flags.has('m') ? END_OF_LINE : END);
    if (this.#take('.')) return this.#symbol('.');
    if (this.#sees(/\[/y)) return this.#class();
    if (this.#take('\\')) return this.#escape();
    const stray = this.#match(/[*+?]/y)?.[0];
    if (stray !== undefined) throw new RegexSyntaxError(`"${stray}" has nothing to repeat`);
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at)!);
    this.#at += character.length;
    return this.#literal(character);
  }

  /** Parses a group after its parenthesis. Undefined for a comment, or if it only sets flags. */
  #group(): RegexNode | undefined {
    if (this.#match(/\?#[^)]*\)/y) !== undefined) return undefined;
    const start = this.#at - 1;
    const look = this.#match(/\?(<?)([=!])/y);
    if (look !== undefined) {
      const isInside = this.#inLook;
      this.#inLook = true;
      const inside = this.#at;
      const node = this.#closed();
      this.#inLook = isInside;
      const end = this.#at;
      const [ahead, negated] = [look[1] === '', look[2] === '!'];
      if (!isInside) {
        const body = this.#source.slice(inside, end - 1);
        this.#looks.push({ start, end, body, ahead, negated });
      }
      return { kind: 'look', node, ahead, negated };
    }
    const flags = this.#match(/\?([imsU]*)(?:-([imsU]+))?([:)])/y);
    if (flags !== undefined) {
      const outer = this.#flags;
      const off = new Set(flags[2]);
      this.#flags = new Set([...outer, ...flags[1]!.split('')].filter((flag) => !off.has(flag)));
      if (flags[3] === ')') return undefined;
      const node = this.#closed();
      this.#flags = outer;
      return node;
    }
    if (this.#match(/\?P?(?:<\w+>|'\w+')/y) === undefined) {
      if (this.#sees(/\?P=\w+\)/y)) throw new RegexSyntaxError('it has a back-reference', true);
      const special = this.#match(/\?.{0,2}/y)?.[0];
      if (special !== undefined) throw new RegexSyntaxError(`"(${special}" is no group that is known here`);
    }
    return this.#closed();
  }

  #closed(): RegexNode {
    const node = this.#choice();
    if (!this.#take(')')) throw new RegexSyntaxError('it has a ( without its )');
    return node;
  }

  #class(): RegexNode {
    const text = this.#match(/\[\^?\]?(?:\[:\^?\w+:\]|\\[^]|[^\]\\])*\]/y)?.[0];
    if (text === undefined) throw new RegexSyntaxError('it has a [ without its ]');
    return this.#symbol(
      text.replace(/\\(?:u([\da-fA-F]{4})|([^]))/g, (whole, hex: string | undefined, escaped: string) => {
        if (hex !== undefined) return `\\x{${hex}}`;
        if (escaped === 'b') return '\\x08';
        if (escaped === 'h') return ' \\t';
        return escaped === 'e' ? '\\x1b' : whole;
      }),
    );
  }

  /** Parses an escape after its backslash. */
  #escape(): RegexNode {
    const hex = this.#match(/[xu]\{([\da-fA-F]+)\}|x([\da-fA-F]{2})|u([\da-fA-F]{4})/y);
    if (hex !== undefined) return this.#symbol(`\\x{${hex[1] ?? hex[2] ?? hex[3]}}`);
    const octal = this.#match(/0[0-7]{0,2}|[1-7][0-7]{1,2}/y)?.[0];
    if (octal !== undefined) return this.#symbol(`\\${octal}`);
    const group = this.#match(/[1-9]\d*/y)?.[0];
    if (group !== undefined && Number(group) > captureGroups(this.#source))
      throw new RegexSyntaxError(`"\\${group}" refers to a group that is not there`);
    if (group !== undefined || this.#sees(/k[<{']/y))
      throw new RegexSyntaxError('it has a back-reference', true);
    const control = this.#match(/c([A-Za-z])/y)?.[1];
    if (control !== undefined) return this.#symbol(`\\x{${(control.charCodeAt(0) & 31).toString(16)}}`);
    const kind = this.#match(/[pP](?:\{\^?\w+\}|[A-Z])|[dDwWsSnrtfva]/y)?.[0];
    if (kind !== undefined) return this.#symbol(`\\${kind}`);
    if (this.#take('e')) return this.#symbol('\\x1b');
    if (this.#take('h')) return this.#symbol('[ \\t]');
    if (this.#at >= this.#source.length) throw new RegexSyntaxError('it ends with a backslash');
    const character = String.fromCodePoint(this.#source.codePointAt(this.#at)!);
    this.#at += character.length;
    const place = ESCAPED_ASSERTIONS.get(character);
    if (place !== undefined) return assertion(place);
    if (/[a-zA-Z\d]/.test(character)) throw new RegexSyntaxError(`"\\${character}" is no known escape`);
    return this.#literal(character);
  }

  #literal(character: string): RegexNode {
    return this.#symbol(/^[\w\s]$|[^ -~]/.test(character) ? character : `\\${character}`);
  }

  /** `expression` stands for one character, in RE2's notation. Throws RegexSyntaxError if RE2 does not accept it. */
  #symbol(expression: string): RegexNode {
    const bits =
      (this.#flags.has('i') ? RE2JS.CASE_INSENSITIVE : 0) | (this.#flags.has('s') ? RE2JS.DOTALL : 0);
    const key = `${bits}${expression}`;
    let node = this.#symbols.get(key);
    if (node === undefined) {
      try {
        node = { kind: 'symbol', test: remembered(RE2JS.compile(`\\A${expression}\\z`, bits)) };
      } catch {
        throw new RegexSyntaxError(`"${expression}" stands for no character`);
      }
      this.#symbols.set(key, node);
    }
    return node;
  }

  #take(text: string): boolean {
    if (!this.#source.startsWith(text, this.#at)) return false;
    this.#at += text.length;
    return true;
  }

  #sees(sticky: RegExp): boolean {
    sticky.lastIndex = this.#at;
    return sticky.test(this.#source);
  }

  #match(sticky: RegExp): RegExpExecArray | undefined {
    sticky.lastIndex = this.#at;
    const match = sticky.exec(this.#source);
    if (match === null) return undefined;
    this.#at += match[0].length;
    return match;
  }
}

function captureGroups(source: string): number {
  const plain = source.replace(/\\[^]|\[\^?\]?(?:\\[^]|[^\]\\])*\]/g, '');
  return plain.match(/\((?!\?)|\(\?P?<\w/g)?.length ?? 0;
}

function assertion(holds: Assertion): RegexNode {
  return { kind: 'assertion', holds };
}

/** Asks RE2 once per character. */
function remembered(expression: RE2JS): CharacterTest {
  const latin = new Uint8Array(256);
  const others = new Map<number, boolean>();
  return (codePoint) => {
    if (codePoint < 256) {
      const known = latin[codePoint]!;
      if (known !== 0) return known === 2;
      const answer = expression.test(String.fromCodePoint(codePoint));
      latin[codePoint] = answer ? 2 : 1;
      return answer;
    }
    let answer = others.get(codePoint);
    if (answer === undefined) {
      if (others.size >= MAX_REMEMBERED) others.clear();
      answer = expression.test(String.fromCodePoint(codePoint));
      others.set(codePoint, answer);
    }
    return answer;
  };
}
