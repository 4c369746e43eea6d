/** `vigie.timezone`: the IANA zone for a rule's time parts and working hours. */

import { shown } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { suggestion } from '../nearest.ts';
import { readText } from '../reader.ts';
import type { YamlMap } from '../yaml-tree.ts';

/** Zones looked up before: a look-up is slow, and rules use few different zones. */
const lookedUp = new Map<string, { readonly name: string | undefined; readonly near: string }>();
const MAX_LOOKED_UP = 1_000;

export function readTimezone(root: YamlMap, key: string, faults: Faults): string | undefined {
  const given = readText(root, key, faults);
  if (given === undefined) return undefined;
  const { name, near } = lookedUp.get(given.text) ?? lookUp(given.text);
  if (name !== undefined) return name;
  faults.error(
    given,
    'BAD_VALUE',
    `${key} is ${shown(given.text)}; expected an IANA time zone such as Europe/Paris${near}`,
  );
  return undefined;
}

function lookUp(text: string): { readonly name: string | undefined; readonly near: string } {
  let name: string | undefined;
  let near = '';
  try {
    name = new Intl.DateTimeFormat('en', { timeZone: text }).resolvedOptions().timeZone;
  } catch {
    near = suggestion(text, [...Intl.supportedValuesOf('timeZone'), 'UTC']);
  }
  if (lookedUp.size >= MAX_LOOKED_UP) lookedUp.clear();
  lookedUp.set(text, { name, near });
  return { name, near };
}
