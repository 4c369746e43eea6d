/**
 * YAML text → documents of maps, lists and scalars that know their place in the file.
 *
 * Aliases and merge keys (`<<`) are resolved here, under a budget, so that nobody downstream can be made to
 * walk an alias bomb; a document that is too deep or too large is a fault of that document, never a crash.
 */

import { LineCounter, isAlias, isMap, isPair, isScalar, isSeq, parseAllDocuments } from 'yaml';
import type { Document, Node, YAMLMap } from 'yaml';
import { messageOf } from '../errors.ts';
import type { Faults, Place } from './faults.ts';

export const MAX_FILE_BYTES = 10 * 1024 * 1024;
/** Nodes of one document after aliases are resolved. */
const MAX_NODES = 1_000_000;
const MAX_DEPTH = 64;

export interface YamlScalar extends Place {
  readonly kind: 'scalar';
  readonly value: string | number | boolean | null;
  /** As written, without quotes. */
  readonly source: string;
}

export interface YamlList extends Place {
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

class LimitReached extends Error {}

/** The documents of a file that are well-formed and not empty; all else is reported. */
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
  const lines = new LineCounter();
  let documents: readonly Document.Parsed[];
  try {
    const parsed = parseAllDocuments(text, { lineCounter: lines, prettyErrors: false, logLevel: 'error' });
    documents = 'empty' in parsed ? [] : parsed;
  } catch (thrown) {
    faults.error(start, 'YAML_LIMIT', `the file cannot be read: ${messageOf(thrown)}`);
    return [];
  }
  const placeAt = (offset: number): Place => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(1, line), column: Math.max(1, col) };
  };
  const trees: YamlNode[] = [];
  for (const document of documents) {
    for (const error of document.errors) {
      faults.error(placeAt(error.pos[0]), 'YAML_SYNTAX', firstLine(error.message));
    }
    for (const warning of document.warnings) {
      faults.warning(placeAt(warning.pos[0]), 'YAML_TAG', firstLine(warning.message));
    }
    if (document.errors.length > 0 || document.contents === null) continue;
    const tree = new TreeBuilder(document, placeAt, faults).build();
    if (tree !== undefined && !(tree.kind === 'scalar' && tree.value === null)) trees.push(tree);
  }
  return trees;
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0]!;
}

class TreeBuilder {
  readonly #document: Document.Parsed;
  readonly #placeAt: (offset: number) => Place;
  readonly #faults: Faults;
  #nodes = 0;
  #place: Place = { line: 1, column: 1 };

  constructor(document: Document.Parsed, placeAt: (offset: number) => Place, faults: Faults) {
    this.#document = document;
    this.#placeAt = placeAt;
    this.#faults = faults;
  }

  build(): YamlNode | undefined {
    try {
      return this.#node(this.#document.contents, 0);
    } catch (thrown) {
      if (!(thrown instanceof LimitReached)) throw thrown;
      this.#faults.error(this.#place, 'YAML_LIMIT', thrown.message);
      return undefined;
    }
  }

  #node(node: Node | null | undefined, depth: number): YamlNode {
    if (node?.range) this.#place = this.#placeAt(node.range[0]);
    const place = this.#place;
    if (depth > MAX_DEPTH)
      throw new LimitReached(`nested more than ${MAX_DEPTH} levels deep; flatten the document`);
    if (++this.#nodes > MAX_NODES) {
      throw new LimitReached(`more than ${MAX_NODES} values once aliases are resolved; use fewer aliases`);
    }
    if (isAlias(node)) {
      const target = node.resolve(this.#document);
      if (target !== undefined) return this.#node(target, depth + 1);
      this.#faults.error(
        place,
        'YAML_SYNTAX',
        `the anchor of alias *${node.source} is not defined before it`,
      );
    } else if (isMap(node)) {
      return { kind: 'map', entries: this.#entries(node, depth), ...place };
    } else if (isSeq(node)) {
      const items = node.items.map((item) => this.#node(item as Node, depth + 1));
      return { kind: 'list', items, ...place };
    } else if (isScalar(node)) {
      return { kind: 'scalar', ...scalarValue(node.value, node.source), ...place };
    }
    return { kind: 'scalar', value: null, source: '', ...place };
  }

  #entries(map: YAMLMap, depth: number): Map<string, YamlEntry> {
    const entries = new Map<string, YamlEntry>();
    const merged: YamlMap[] = [];
    for (const pair of map.items) {
      if (!isPair(pair)) continue;
      const keyNode = pair.key as Node | null;
      const key = this.#node(keyNode, depth + 1);
      const place: Place = { line: key.line, column: key.column };
      const value = this.#node(pair.value as Node | null, depth + 1);
      if (key.kind !== 'scalar') {
        this.#faults.error(place, 'WRONG_TYPE', `a key must be plain text, not ${kindOf(key)}`);
      } else if (key.value === '<<' && isScalar(keyNode) && keyNode.type === 'PLAIN') {
        merged.push(...(value.kind === 'list' ? value.items : [value]).filter((part) => part.kind === 'map'));
      } else {
        const name = typeof key.value === 'string' ? key.value : key.source;
        entries.set(name, { key: name, place, value });
      }
    }
    for (const other of merged) {
      for (const [name, entry] of other.entries) if (!entries.has(name)) entries.set(name, entry);
    }
    return entries;
  }
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
