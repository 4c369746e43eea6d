/**
 * YAML text → documents of maps, lists and scalars that know their place in the file.
 *
 * Aliases and merge keys (`<<`) are resolved here, under a budget, so that no later stage has to walk an alias
 * bomb; a document that is too deep or too large is a fault of that document, never a crash.
 */

import { isAlias, isMap, isNode, isPair, isScalar, isSeq } from 'yaml';
import type { Document, Node, Scalar, YAMLError, YAMLMap } from 'yaml';
import { messageOf } from '../errors.ts';
import { shown } from './faults.ts';
import type { Faults, Place } from './faults.ts';
import { MAX_DEPTH, TOO_DEEP, excessOf } from './yaml-limits.ts';
import { parseDocuments } from './yaml-text.ts';
import type { YamlDocument } from './yaml-text.ts';

export const MAX_FILE_BYTES = 10 * 1024 * 1024;
/** Nodes of one document after aliases are resolved, and of a file with fewer characters than this. */
const MAX_NODES = 100_000;

export interface YamlScalar extends Place {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written, without quotes. */
  readonly source: string;
  /** Column of the text's first character, if the text stands on one line exactly like its value. */
  readonly textColumn?: number | undefined;
}

interface YamlList extends Place {
  readonly kind: 'list';
  readonly items: readonly YamlNode[];
}

export interface YamlEntry {
  readonly key: string;
  readonly place: Place;
  readonly value: YamlNode;
}

export interface YamlMap extends Place {
  readonly kind: 'map';
  readonly entries: ReadonlyMap<string, YamlEntry>;
}

export type YamlNode = YamlScalar | YamlList | YamlMap;

/** What a node is, for messages. */
export function kindOf(node: YamlNode): string {
  if (node.kind === 'map') return 'a map';
  if (node.kind === 'list') return 'a list';
  if (node.value === null) return 'nothing';
  return typeof node.value === 'string' ? 'text' : `a ${typeof node.value}`;
}

/** What helps where a rule's author has, most likely, left out quotes; by the YAML library's code. */
const REMEDIES: Readonly<Partial<Record<YAMLError['code'], string>>> = {
  BAD_ALIAS: 'a text that begins with * needs quotes',
  BAD_DQ_ESCAPE: 'a text with backslashes needs single quotes',
  BAD_SCALAR_START: 'the text needs quotes',
  BLOCK_AS_IMPLICIT_KEY: 'check the indentation; a text with a colon and a space needs quotes',
  TAB_AS_INDENT: 'write spaces',
};

/** Ends the reading of one document. */
class DocumentRefused extends Error {
  readonly code: string;

  constructor(code: string, message: string) {
    super(message);
    this.code = code;
  }
}

/** Returns the documents of a file that are well-formed and not empty; reports all faults. */
export function parseYaml(text: string, faults: Faults): readonly YamlNode[] {
  const start: Place = { line: 1, column: 1 };
  const bytes = Buffer.byteLength(text);
  if (bytes > MAX_FILE_BYTES) {
    faults.error(
      start,
      'FILE_TOO_LARGE',
      `the file has ${bytes} bytes; at most ${MAX_FILE_BYTES} are read; split it`,
    );
    return [];
  }
  const excess = excessOf(text);
  if (excess !== undefined) {
    faults.error(placeIn(text, excess.offset), excess.code, excess.message);
    return [];
  }
  let documents: readonly YamlDocument[];
  try {
    ({ documents } = parseDocuments(text));
  } catch (thrown) {
    faults.error(start, 'YAML_LIMIT', `the file cannot be read: ${messageOf(thrown)}`);
    return [];
  }
  const trees: YamlNode[] = [];
  const most = Math.max(MAX_NODES, text.length);
  const file: FileNodes = { most, left: most };
  for (const { document, placeAt } of documents) {
    const exhausted = document.errors.find(({ code }) => code === 'RESOURCE_EXHAUSTION');
    if (exhausted !== undefined) {
      faults.error(placeAt(exhausted.pos[0]), 'YAML_LIMIT', TOO_DEEP);
      continue;
    }
    for (const error of document.errors) {
      const remedy = REMEDIES[error.code];
      const message = firstLine(error.message) + (remedy === undefined ? '' : `; ${remedy}`);
      faults.error(placeAt(error.pos[0]), 'YAML_SYNTAX', message);
    }
    for (const warning of document.warnings) {
      faults.warning(placeAt(warning.pos[0]), 'YAML_TAG', firstLine(warning.message));
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    const tree = new TreeBuilder(document, placeAt, faults, file).build();
    if (tree !== undefined && !(tree.kind === 'scalar' && tree.value === null)) trees.push(tree);
  }
  return trees;
}

function placeIn(text: string, offset: number): Place {
  const before = text.slice(0, offset).split('\n');
  return { line: before.length, column: before.at(-1)!.length + 1 };
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!;
}

/** An anchored node, converted; an alias is the same object again. */
interface Anchored {
  readonly node: YamlNode;
  /** Nodes inside, aliases counted in full. */
  readonly size: number;
  /** Levels inside. */
  readonly height: number;
}

/** Nodes left for the documents of a file together: each may be an alias bomb of its own. */
interface FileNodes {
  readonly most: number;
  left: number;
}

class TreeBuilder {
  readonly #document: Document.Parsed;
  readonly #placeAt: (offset: number) => Place;
  readonly #faults: Faults;
  readonly #file: FileNodes;
  readonly #anchors = new Map<string, Anchored>();
  #nodes = 0;
  /** Deepest level reached below the node being converted. */
  #deepest = 0;
  #place: Place = { line: 1, column: 1 };

  constructor(
    document: Document.Parsed,
    placeAt: (offset: number) => Place,
    faults: Faults,
    file: FileNodes,
  ) {
    this.#document = document;
    this.#placeAt = placeAt;
    this.#faults = faults;
    this.#file = file;
  }

  build(): YamlNode | undefined {
    const before = this.#faults.errors;
    try {
      const root = this.#node(this.#document.contents, 0);
      return this.#faults.errors === before ? root : undefined;
    } catch (thrown) {
      if (!(thrown instanceof DocumentRefused)) throw thrown;
      this.#faults.error(this.#place, thrown.code, thrown.message);
      return undefined;
    }
  }

  #node(node: Node | null | undefined, depth: number): YamlNode {
    if (node?.range) this.#place = this.#placeAt(node.range[0]);
    if (isAlias(node)) return this.#alias(node.source, depth);
    this.#spend(1, depth);
    const before = this.#nodes;
    const outer = this.#deepest;
    this.#deepest = depth;
    const converted = this.#convert(node, depth);
    const anchor = isNode(node) && 'anchor' in node ? node.anchor : undefined;
    if (typeof anchor === 'string') {
      const size = this.#nodes - before + 1;
      this.#anchors.set(anchor, { node: converted, size, height: this.#deepest - depth });
    }
    this.#deepest = Math.max(outer, this.#deepest);
    return converted;
  }

  #alias(name: string, depth: number): YamlNode {
    const target = this.#anchors.get(name);
    if (target === undefined) {
      this.#spend(1, depth);
      this.#faults.error(
        this.#place,
        'YAML_SYNTAX',
        `the alias *${name} has no complete anchor &${name} before it; ${REMEDIES.BAD_ALIAS}`,
      );
      return { kind: 'scalar', value: null, source: '', ...this.#place };
    }
    this.#spend(target.size, depth + target.height);
    return target.node;
  }

  #spend(nodes: number, depth: number): void {
    this.#nodes += nodes;
    this.#file.left -= nodes;
    this.#deepest = Math.max(this.#deepest, depth);
    if (depth > MAX_DEPTH) {
      throw new DocumentRefused('YAML_LIMIT', TOO_DEEP);
    }
    if (this.#nodes > MAX_NODES) {
      throw new DocumentRefused(
        'YAML_LIMIT',
        `more than ${MAX_NODES} values once aliases are resolved; use fewer aliases`,
      );
    }
    if (this.#file.left < 0) {
      throw new DocumentRefused(
        'YAML_LIMIT',
        `the documents of the file have more than ${this.#file.most} values once aliases are resolved; use fewer aliases or split the file`,
      );
    }
  }

  #convert(node: Node | null | undefined, depth: number): YamlNode {
    const place = this.#place;
    if (isMap(node)) return { kind: 'map', entries: this.#entries(node, depth), ...place };
    if (isSeq(node)) {
      const items = node.items.map((item) => this.#node(item as Node, depth + 1));
      return { kind: 'list', items, ...place };
    }
    if (!isScalar(node)) return { kind: 'scalar', value: null, source: '', ...place };
    return { kind: 'scalar', ...scalarValue(node.value, node.source), ...textPlace(node, place), ...place };
  }

  #entries(map: YAMLMap, depth: number): Map<string, YamlEntry> {
    const entries = new Map<string, YamlEntry>();
    const merged: YamlMap[] = [];
    for (const pair of map.items) {
      if (!isPair(pair)) continue;
      const keyNode = pair.key as Node | null;
      const key = this.#node(keyNode, depth + 1);
      const place: Place = { line: key.line, column: key.column };
      const before = this.#faults.errors;
      const value = this.#node(pair.value as Node | null, depth + 1);
      const isSound = this.#faults.errors === before;
      if (key.kind !== 'scalar') {
        this.#faults.error(place, 'WRONG_TYPE', `a key must be plain text, not ${kindOf(key)}`);
      } else if (key.value === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
        const parts = value.kind === 'list' ? value.items : [value];
        merged.push(...parts.filter((part) => part.kind === 'map'));
        const other = parts.find((part) => part.kind !== 'map');
        if (other !== undefined && isSound) {
          const message = `<< takes a map or a list of maps, not ${kindOf(other)}, which would be left out`;
          this.#faults.error(place, 'WRONG_TYPE', message);
        }
      } else {
        const name = typeof key.value === 'string' ? key.value : key.source;
        const first = entries.get(name);
        if (first !== undefined) {
          const remedy =
            depth === 0 ? 'or begin another document with ---' : 'rename one, or join their values in a list';
          const message = `this map has a key ${shown(name)} already, on line ${first.place.line}; keep one of the two, ${remedy}`;
          this.#faults.error(place, 'YAML_SYNTAX', message);
        }
        entries.set(name, { key: name, place, value });
      }
    }
    for (const other of merged) {
      for (const [name, entry] of other.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return entries;
  }
}

function textPlace(node: Scalar, place: Place): Pick<YamlScalar, 'textColumn'> {
  const { type, source, value, range } = node;
  // A text that is folded, escaped or indented differs in length from its value.
  if (typeof value !== 'string' || source !== value || source.includes('\n') || !range) return {};
  const quote = type === 'QUOTE_SINGLE' || type === 'QUOTE_DOUBLE' ? 1 : 0;
  if ((quote === 0 && type !== 'PLAIN') || range[1] - range[0] !== value.length + 2 * quote) return {};
  return { textColumn: place.column + quote };
}

function scalarValue(value: unknown, source: string | undefined): Pick<YamlScalar, 'value' | 'source'> {
  switch (typeof value) {
    case 'string':
    case 'number':
    case 'boolean':
      return { value, source: source ?? String(value) };
    default:
      return value === null ? { value, source: source ?? '' } : { value: source ?? '', source: source ?? '' };
  }
}
