/** Every case under detection/ holds for the loader and the engine of `vigie eval`. */

import { describe, expect, test } from 'vitest';
import { evalEvents } from '../../src/eval/eval.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { detectionFiles } from './case-files.ts';
import { errorsOf, listsOf, matchesOf } from './engine.ts';

describe.each(detectionFiles())('$file', ({ cases }) => {
  test.each(cases.map((it) => [it.name, it] as const))('%s', (_, it) => {
    const { rules, refused, placeholders, events, matches } = it;
    const ruleSet = parseRules([{ file: 'case.yml', text: rules }], { placeholders, lists: listsOf(it) });
    expect(errorsOf(ruleSet).map(({ code }) => code)).toEqual(refused === undefined ? [] : [refused]);
    if (refused !== undefined) return;

    const { lines, deadLetters } = evalEvents(
      ruleSet,
      events.map((event) => JSON.stringify(event)),
    );
    expect(deadLetters).toEqual([]);
    expect(matchesOf(lines, Object.keys(matches))).toEqual(matches);
  });
});
