/**
 * Checks what the schema of a mapping file cannot see, because it lies between keys: fields that no event has or
 * that have another form, names that the pattern does not give, cases that no line can reach. Reads the tree, not
 * the parsed mapping, so that it also runs on a faulty one.
 */

import { shown, type Faults, type Place } from '../../sigma/faults.ts';
import { suggestion } from '../../sigma/nearest.ts';
import type { YamlEntry, YamlMap, YamlNode } from '../../sigma/yaml-tree.ts';
import { formOf, KNOWN_FIELDS } from '../access-event.ts';
import { compilePattern } from './pattern.ts';

export function checkMapping(root: YamlMap, faults: Faults): void {
  new Checks(root, faults).all();
}

class Checks {
  readonly #root: YamlMap;
  readonly #faults: Faults;

  constructor(root: YamlMap, faults: Faults) {
    this.#root = root;
    this.#faults = faults;
  }

  all(): void {
    this.#inputKeys();
    this.#lostKeys();
    this.#targets();
    this.#fixedValues();
    this.#numbers();
    this.#sources();
    this.#captures();
    this.#cases();
  }

  #error(place: Place, code: string, message: string): void {
    this.#faults.error(place, code, message);
  }

  #inputKeys(): void {
    const root = this.#root;
    const input = textAt(root, 'input');
    if (input === 'regex' && !root.entries.has('pattern')) {
      this.#error(root, 'MISSING_KEY', 'pattern is missing; input regex needs one with named groups');
    }
    for (const [key, ...inputs] of [
      ['pattern', 'regex'],
      ['fields', 'w3c'],
    ] as const) {
      const entry = root.entries.get(key);
      if (entry !== undefined && input !== undefined && !(inputs as readonly string[]).includes(input)) {
        this.#error(
          entry.place,
          'UNKNOWN_KEY',
          `${key} has no meaning with input ${input}; it belongs to ${inputs.join(' and ')}`,
        );
      }
    }
  }

  /** Refuses the one key that the schema would silently drop, where any text may be a key. */
  #lostKeys(): void {
    for (const map of this.#scopes()) {
      const maps = entriesAt(map, 'copy').flatMap(({ value }) =>
        value.kind === 'map' ? entriesAt(value, 'map') : [],
      );
      for (const { key, place } of [...entriesAt(map, 'when'), ...maps]) {
        if (key === '__proto__')
          this.#error(place, 'UNKNOWN_KEY', `${shown(key)} cannot be a key in when or map; leave it out`);
      }
    }
  }

  /** Checks the maps whose keys are fields of the event, and the names in `other_fields`. */
  #targets(): void {
    const others = listAt(this.#root, 'other_fields');
    for (const node of others) {
      const name = scalarText(node);
      if (!/^[\p{L}@][\p{L}\p{N}_@-]*(?:\.[\p{L}\p{N}@][\p{L}\p{N}_@-]*)*$/u.test(name)) {
        this.#error(
          node,
          'BAD_FIELD_NAME',
          `${shown(name)} is no field name; expected words with dots between`,
        );
      }
    }
    const known = new Set([
      ...KNOWN_FIELDS.filter((path) => path !== '@timestamp'),
      ...others.map(scalarText),
    ]);
    for (const node of others) {
      const name = scalarText(node);
      const above = [...known].find((path) => path.startsWith(`${name}.`) || name.startsWith(`${path}.`));
      if (above !== undefined) {
        this.#error(
          node,
          'BAD_FIELD_NAME',
          `${shown(name)} and ${above} cannot both be in one event; take a name of its own`,
        );
      }
    }
    const hasId = this.#root.entries.has('id');
    for (const map of this.#scopes()) {
      for (const key of ['set', 'copy']) {
        for (const entry of entriesAt(map, key)) {
          if (hasId && entry.key === 'event.id') {
            this.#error(entry.place, 'CONFLICT', 'event.id is given here and by id; keep one of the two');
          }
          if (known.has(entry.key)) continue;
          const why =
            entry.key === '@timestamp'
              ? 'the key time says where the time is'
              : `take one of docs/event.md, or name it in other_fields${suggestion(entry.key, known)}`;
          this.#error(entry.place, 'UNKNOWN_FIELD', `${shown(entry.key)} is no field of an event; ${why}`);
        }
      }
      const set = new Map(entriesAt(map, 'set').map(({ key, place }) => [key, place]));
      for (const { key, place } of entriesAt(map, 'copy')) {
        const other = set.get(key);
        if (other === undefined) continue;
        const message = `${shown(key)} is given here and by set on line ${other.line}; keep one of the two`;
        this.#error(place, 'CONFLICT', message);
      }
    }
  }

  /** Checks that values written in the file itself have the form of their field. */
  #fixedValues(): void {
    for (const map of this.#scopes()) {
      for (const { key, value } of entriesAt(map, 'set')) this.#fixedValue(map, `set.${key}`, key, value);
      for (const { key, value } of entriesAt(map, 'copy')) {
        const fallback = value.kind === 'map' ? value.entries.get('default')?.value : undefined;
        if (fallback !== undefined) this.#fixedValue(map, `copy.${key}.default`, key, fallback);
      }
    }
  }

  #fixedValue(scope: YamlMap, path: string, target: string, node: YamlNode): void {
    const form = formOf(target);
    if (form === undefined) return;
    const index = this.#caseMaps().indexOf(scope);
    const where = index < 0 ? path : `cases.${index}.${path}`;
    if (node.kind === 'list' && !form.takesList) {
      this.#error(node, 'BAD_VALUE', `${where} is a list; expected ${form.expected}`);
      return;
    }
    if (target === 'event.id' && node.kind === 'scalar' && node.value !== null) {
      const message = `${where} is ${shown(node.source)}, one id for many events, of which all but the first would be taken for copies; copy the id from the log, or make one with id`;
      this.#error(node, 'BAD_VALUE', message);
      return;
    }
    const values = node.kind === 'list' ? node.items : [node];
    for (const [i, value] of values.entries()) {
      // The schema refuses null, a list in a list and a map.
      if (value.kind !== 'scalar' || value.value === null || form.fits(value.value)) continue;
      const at = node.kind === 'list' ? `${where}.${i}` : where;
      this.#error(value, 'BAD_VALUE', `${at} is ${shown(value.source)}; expected ${form.expected}`);
    }
  }

  /** Refuses numbers such as 007: values are compared and assigned as text, and its text is 7. */
  #numbers(): void {
    const check = (node: YamlNode, where: string): void => {
      if (node.kind === 'list') node.items.forEach((item, i) => check(item, `${where}.${i}`));
      if (node.kind === 'map') {
        for (const { key, value } of node.entries.values()) check(value, `${where}.${key}`);
      }
      if (node.kind !== 'scalar' || typeof node.value !== 'number' || String(node.value) === node.source) {
        return;
      }
      const remedy = `expected it in quotes, or ${node.value} if that is meant`;
      this.#error(node, 'BAD_VALUE', `${where} is ${node.source}, the number ${node.value}; ${remedy}`);
    };
    for (const map of this.#scopes()) {
      const index = this.#caseMaps().indexOf(map);
      const prefix = index < 0 ? '' : `cases.${index}.`;
      for (const { key, value } of entriesAt(map, 'when')) check(value, `${prefix}when.${key}`);
      for (const { key, value } of entriesAt(map, 'copy')) {
        if (value.kind !== 'map') continue;
        for (const name of formOf(key) === undefined ? ['map', 'default'] : ['map']) {
          const given = value.entries.get(name)?.value;
          if (given !== undefined) check(given, `${prefix}copy.${key}.${name}`);
        }
      }
      for (const { key, value } of entriesAt(map, 'set')) {
        if (formOf(key) === undefined) check(value, `${prefix}set.${key}`);
      }
    }
  }

  /** Refuses fields of the log that neither the pattern nor the fixed columns give. */
  #sources(): void {
    const given = this.#givenSources();
    if (given === undefined) return;
    const twice = given.find((name, i) => name !== '' && given.indexOf(name) < i);
    if (twice !== undefined) {
      const fields = this.#root.entries.get('fields')!.value;
      const place = fields.kind === 'list' ? fields.items[given.lastIndexOf(twice)]! : fields;
      const remedy = 'give each column a name of its own';
      this.#error(place, 'CONFLICT', `the column ${shown(twice)} is named twice; ${remedy}`);
    }
    const check = (node: YamlNode | undefined): void => {
      for (const each of node === undefined ? [] : node.kind === 'list' ? node.items : [node]) {
        if (each.kind === 'scalar') this.#source(each, scalarText(each), given);
      }
    };
    for (const key of ['time', 'id'] as const) {
      const map = this.#root.entries.get(key)?.value;
      if (map?.kind === 'map') check(map.entries.get(key === 'time' ? 'field' : 'from')?.value);
    }
    for (const map of this.#scopes()) {
      for (const { key, place } of entriesAt(map, 'when')) this.#source(place, key, given);
      for (const { value } of entriesAt(map, 'copy')) {
        check(value.kind === 'map' ? value.entries.get('from')?.value : value);
      }
    }
  }

  #source(place: Place, name: string, given: readonly string[]): void {
    if (given.includes(name)) return;
    const near = suggestion(name, given);
    this.#error(
      place,
      'UNKNOWN_SOURCE',
      `${shown(name)} is no field of the log; it has ${given.join(', ')}${near}`,
    );
  }

  #givenSources(): readonly string[] | undefined {
    const pattern = textAt(this.#root, 'pattern');
    if (pattern !== undefined) {
      const compiled = compilePattern(pattern).pattern;
      const names = compiled === undefined ? [] : Object.keys(compiled.namedGroups());
      return names.length === 0 ? undefined : names;
    }
    const fields = this.#root.entries.get('fields')?.value;
    if (fields === undefined) return undefined;
    return fields.kind === 'list' ? fields.items.map(scalarText) : scalarText(fields).split(/\s+/);
  }

  /** Patterns that extract something must have a group. */
  #captures(): void {
    const pattern = this.#root.entries.get('pattern')?.value;
    const compiled = pattern === undefined ? undefined : compilePattern(scalarText(pattern)).pattern;
    if (compiled !== undefined && Object.keys(compiled.namedGroups()).length === 0) {
      this.#error(pattern!, 'BAD_PATTERN', 'the pattern names no group; write (?P<name>…) around each field');
    }
    for (const map of this.#scopes()) {
      for (const { key, value } of entriesAt(map, 'copy')) {
        const capture = value.kind === 'map' ? value.entries.get('capture')?.value : undefined;
        if (capture === undefined) continue;
        const groups = compilePattern(scalarText(capture)).pattern?.groupCount() ?? 1;
        if (groups !== 1) {
          const message = `the capture of ${key} has ${groups} groups; expected one, around what is to be kept`;
          this.#error(capture, 'BAD_PATTERN', message);
        }
      }
    }
  }

  #cases(): void {
    const names = new Set<string>();
    let open: string | undefined;
    for (const map of this.#caseMaps()) {
      const entry = map.entries.get('name');
      const name = entry === undefined ? '' : scalarText(entry.value);
      if (entry !== undefined && names.has(name)) {
        this.#error(entry.value, 'CONFLICT', `another case is called ${shown(name)}; counts go by the name`);
      }
      names.add(name);
      if (open !== undefined) {
        const message = `no line reaches the case ${shown(name)}: ${shown(open)} above it has no when; move that one to the end`;
        this.#error(map, 'UNREACHABLE', message);
      }
      if (entriesAt(map, 'when').length === 0) open ??= name;
      if (map.entries.has('skip') && (map.entries.has('set') || map.entries.has('copy'))) {
        const message = `the case ${shown(name)} skips lines and gives them fields; keep one of the two`;
        this.#error(map, 'CONFLICT', message);
      }
    }
    const otherwise = this.#root.entries.get('else');
    if (otherwise !== undefined && open !== undefined) {
      const message = `no line reaches else: the case ${shown(open)} has no when; leave else out`;
      this.#error(otherwise.place, 'UNREACHABLE', message);
    }
  }

  /** Where `set` and `copy` may stand. */
  #scopes(): readonly YamlMap[] {
    return [this.#root, ...this.#caseMaps()];
  }

  #caseMaps(): readonly YamlMap[] {
    return listAt(this.#root, 'cases').filter((node) => node.kind === 'map');
  }
}

function listAt(map: YamlMap, key: string): readonly YamlNode[] {
  const node = map.entries.get(key)?.value;
  return node?.kind === 'list' ? node.items : [];
}

function entriesAt(map: YamlMap, key: string): readonly YamlEntry[] {
  const node = map.entries.get(key)?.value;
  return node?.kind === 'map' ? [...node.entries.values()] : [];
}

function textAt(map: YamlMap, key: string): string | undefined {
  const node = map.entries.get(key)?.value;
  return node?.kind === 'scalar' && typeof node.value === 'string' ? node.value : undefined;
}

function scalarText(node: YamlNode): string {
  return node.kind === 'scalar' ? node.source : '';
}
