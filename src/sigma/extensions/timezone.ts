/** `vigie.timezone`: the IANA zone in which a rule's time parts are read. */

import { shown } from '../faults.ts';
import type { Faults } from '../faults.ts';
import { suggestion } from '../nearest.ts';
import { readText } from '../reader.ts';
import type { YamlMap } from '../yaml-tree.ts';

export function readTimezone(root: YamlMap, key: string, faults: Faults): string | undefined {
  const given = readText(root, key, faults);
  if (given === undefined) return undefined;
  try {
    return new Intl.DateTimeFormat('en', { timeZone: given.text }).resolvedOptions().timeZone;
  } catch {
    const near = suggestion(given.text, [...Intl.supportedValuesOf('timeZone'), 'UTC']);
    faults.error(
      given,
      'BAD_VALUE',
      `${key} is ${shown(given.text)}; expected an IANA time zone such as Europe/Paris${near}`,
    );
    return undefined;
  }
}
