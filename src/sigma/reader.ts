/**
 * Typed reading of a document's keys. Each function returns undefined if the key is absent or faulty; in the
 * latter case it has reported the fault, so callers just go on.
 */

import { shown } from './faults.ts';
import type { Faults, Place } from './faults.ts';
import { suggestion } from './nearest.ts';
import { kindOf } from './yaml-tree.ts';
import type { YamlEntry, YamlMap, YamlNode } from './yaml-tree.ts';

/** A text and its place. */
export interface PlacedText extends Place {
  readonly text: string;
  /** See `YamlScalar`. */
  readonly textColumn?: number | undefined;
}

/** The place of a character of the text, or of the whole text if the file writes it in another form. */
export function placeWithin(placed: PlacedText, offset: number): Place {
  const { line, column, textColumn } = placed;
  return { line, column: textColumn === undefined ? column : textColumn + offset };
}

function placedText(node: YamlNode, text: string): PlacedText {
  const textColumn = node.kind === 'scalar' ? node.textColumn : undefined;
  return { text, line: node.line, column: node.column, textColumn };
}

/** Reports a missing key at the place of the map. */
export function missing(map: YamlMap, key: string, reason: string, faults: Faults): void {
  faults.error(map, 'MISSING_KEY', `${key} is missing; ${reason}`);
}

function wrongType(entry: YamlEntry, expected: string, faults: Faults): undefined {
  const { key, value } = entry;
  faults.error(value, 'WRONG_TYPE', `${key} is ${kindOf(value)}; expected ${expected}`);
  return undefined;
}

/** Reads text that is not empty. Numbers count as their text only if `numbers` is true. */
export function readText(map: YamlMap, key: string, faults: Faults, numbers = false): PlacedText | undefined {
  const entry = map.entries.get(key);
  if (entry === undefined) return undefined;
  const text = scalarText(entry.value, numbers);
  if (text === undefined)
    return wrongType(entry, 'text, in quotes where it looks like something else', faults);
  if (text.trim() !== '') return placedText(entry.value, text);
  faults.error(entry.value, 'WRONG_TYPE', `${key} is empty; write something or leave the key out`);
  return undefined;
}

/** Reads text that may be empty or `null`. */
export function readLooseText(map: YamlMap, key: string, faults: Faults): string {
  const entry = map.entries.get(key);
  if (entry === undefined || isNull(entry.value)) return '';
  return scalarText(entry.value, true) ?? wrongType(entry, 'text', faults) ?? '';
}

/** Reads a text or a list of texts. Absent and `null` are no texts. */
export function readTexts(map: YamlMap, key: string, faults: Faults): readonly PlacedText[] {
  const entry = map.entries.get(key);
  if (entry === undefined || isNull(entry.value)) return [];
  const nodes = entry.value.kind === 'list' ? entry.value.items : [entry.value];
  const texts: PlacedText[] = [];
  for (const node of nodes) {
    const text = scalarText(node, true);
    if (text === '') faults.error(node, 'WRONG_TYPE', `${key} holds an empty text; write something there`);
    else if (text !== undefined) texts.push(placedText(node, text));
    else faults.error(node, 'WRONG_TYPE', `${key} holds ${kindOf(node)}; expected a text or a list of texts`);
  }
  return texts;
}

/** Reads texts that are only shown, in any form: people write `- note: this`, which is a map to YAML. */
export function readLooseTexts(map: YamlMap, key: string): readonly string[] {
  const entry = map.entries.get(key);
  return entry === undefined ? [] : looseTexts(entry.value);
}

function looseTexts(node: YamlNode): readonly string[] {
  if (node.kind === 'list') return node.items.flatMap(looseTexts);
  if (node.kind === 'scalar') return node.value === null ? [] : [scalarText(node, true) ?? node.source];
  return [...node.entries.values()].map(({ key, value }) => `${key}: ${looseTexts(value).join(', ')}`);
}

export function readBoolean(map: YamlMap, key: string, faults: Faults): boolean | undefined {
  const entry = map.entries.get(key);
  if (entry === undefined) return undefined;
  const { value } = entry;
  if (value.kind === 'scalar' && typeof value.value === 'boolean') return value.value;
  return wrongType(entry, 'true or false', faults);
}

export function readMap(map: YamlMap, key: string, faults: Faults): YamlMap | undefined {
  const entry = map.entries.get(key);
  if (entry === undefined) return undefined;
  if (entry.value.kind === 'map') return entry.value;
  return wrongType(entry, `a map${indentHint(entry)}`, faults);
}

/** If the key has no value, the lines meant to be its value usually stand beside it. */
export function indentHint({ key, value }: YamlEntry): string {
  return isNull(value) ? `, its lines indented further than ${key}` : '';
}

/** Reads one of a fixed set of words. `hint`: what to add for any other word. */
export function readChoice<T extends string>(
  map: YamlMap,
  key: string,
  choices: readonly T[],
  faults: Faults,
  hint: (given: string) => string = (given) => suggestion(given, choices),
): T | undefined {
  const given = readText(map, key, faults);
  if (given === undefined) return undefined;
  const choice = choices.find((each) => each === given.text);
  if (choice !== undefined) return choice;
  const expected = `expected ${oneOf(choices)}${hint(given.text)}`;
  faults.error(given, 'BAD_VALUE', `${key} is ${shown(given.text)}; ${expected}`);
  return undefined;
}

/** Reports unknown keys. */
export function refuseOtherKeys(map: YamlMap, known: readonly string[], where: string, faults: Faults): void {
  for (const entry of map.entries.values()) {
    if (faults.full) return;
    if (known.includes(entry.key) || refuseExtension(entry, where, faults)) continue;
    const near = suggestion(entry.key, known);
    faults.error(
      entry.place,
      'UNKNOWN_KEY',
      `${where} has no key ${shown(entry.key)}; expected ${oneOf(known)}${near}`,
    );
  }
}

/** Reports a key that has its meaning at the root of a document only, and says whether it is one. */
export function refuseExtension({ key, place }: YamlEntry, where: string, faults: Faults): boolean {
  if (!key.startsWith('vigie.')) return false;
  const message = `${shown(key)} stands inside ${where}; it belongs at the root of the document, not indented`;
  faults.error(place, 'MISPLACED_EXTENSION', message);
  return true;
}

export function oneOf(choices: readonly string[]): string {
  return choices.length === 1 ? choices[0]! : `one of ${choices.join(', ')}`;
}

function isNull(node: YamlNode): boolean {
  return node.kind === 'scalar' && node.value === null;
}

function scalarText(node: YamlNode, numbers: boolean): string | undefined {
  if (node.kind !== 'scalar') return undefined;
  if (typeof node.value === 'string') return node.value;
  return numbers && typeof node.value === 'number' ? node.source : undefined;
}
