/**
 * The mappings that come with Vigie, each on a sample of its log: `testdata/NAME.log.txt` beside the events it must
 * give, `NAME.events.txt`. After a wanted change: UPDATE_GOLDEN=1, then read the difference.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadMapping, readyMappings } from '../../../../src/files/mapping-files.ts';
import { described } from './support.ts';

const text = (name: string): string => readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8');

describe.each(readyMappings())('the ready mapping %s', (name) => {
  const { mapping, faults } = loadMapping(name);

  test('has no fault, and says what it is for', () => {
    expect(faults).toEqual([]);
    expect(mapping?.description).toMatch(/\w/);
  });

  test('makes these events of its sample', () => {
    const log = text(`${name}.log.txt`);
    const events = described(mapping!, log.split('\n').slice(0, -1));
    if (process.env['UPDATE_GOLDEN'] === '1') {
      writeFileSync(new URL(`testdata/${name}.events.txt`, import.meta.url), events);
    }
    expect(events).toBe(text(`${name}.events.txt`));
  });

  test("lets no person's id of the sample through", () => {
    const log = text(`${name}.log.txt`).split('\n').slice(0, -1);
    const events = described(mapping!, log);
    for (const id of ['0012345678A', '0012345679B', '0099999999Z', 'Martin', 'agent@']) {
      expect(events).not.toContain(id);
    }
  });

  test('uses each of its cases in the sample', () => {
    const events = described(mapping!, text(`${name}.log.txt`).split('\n').slice(0, -1));
    const used = new Set(Array.from(events.matchAll(/^\d+ (?:skipped: )?(.*)$/gm), ([, what]) => what));
    expect(mapping!.cases!.map((each) => each.name).filter((each) => !used.has(each))).toEqual([]);
  });
});
