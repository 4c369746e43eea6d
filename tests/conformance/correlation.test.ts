/**
 * Every case under correlation/ holds for the engine of `vigie eval`, and for the oracle where that
 * understands it. Rules that the engine does not execute yet must be refused as exactly that; such a case
 * counts by itself as soon as the loader accepts its rules.
 */

import { describe, expect, test } from 'vitest';
import { evalEvents } from '../../src/eval/eval.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { correlationFiles, type CorrelationCase } from './case-files.ts';
import { alertsOf, errorsOf, firingsOf, listsOf, matchesOf } from './engine.ts';
import { askOracle, notYetExecutable } from './oracle-view.ts';
import { expectRows } from './rows.ts';

interface LoadedCase extends CorrelationCase {
  readonly ruleSet: ReturnType<typeof parseRules>;
  /** Says in the test's name when a case does not count yet. */
  readonly state: string;
}

function load(it: CorrelationCase): LoadedCase {
  const ruleSet = parseRules([{ file: 'case.yml', text: it.rules }], { lists: listsOf(it) });
  const pending = errorsOf(ruleSet).some(({ code }) => code === 'UNSUPPORTED');
  return { ...it, ruleSet, state: pending ? ' (not executed yet)' : '' };
}

describe.each(correlationFiles())('$file', ({ cases }) => {
  test.each(cases.map(load).map((it) => [`${it.name}${it.state}`, it] as const))('%s', (_, it) => {
    const { ruleSet, state } = it;
    const codes = errorsOf(ruleSet).map(({ code }) => code);
    if (state !== '') {
      const most = notYetExecutable(it.rules);
      expect(codes.length).toBeLessThanOrEqual(most);
      expect(new Set(codes)).toEqual(new Set(['UNSUPPORTED']));
      return;
    }
    expect(codes).toEqual(it.refused === undefined ? [] : [it.refused]);
    if (it.refused !== undefined) return;

    const events = it.log.map(({ time, fields }) =>
      JSON.stringify({ '@timestamp': new Date(time).toISOString(), ...fields }),
    );
    const { lines, deadLetters } = evalEvents(ruleSet, events, { latenessMs: it.latenessMs });
    expect(deadLetters).toEqual([]);
    expectRows(firingsOf(lines), it.firings);
    if (it.alerts !== undefined) expectRows(alertsOf(lines), it.alerts);
    if (it.matches !== undefined) expect(matchesOf(lines, Object.keys(it.matches))).toEqual(it.matches);
  });

  test.each(cases.flatMap(askOracle).map((it) => [it.name, it] as const))('oracle: %s', (_, it) => {
    const { verdict } = it;
    expectRows(verdict.firings, it.firings);
    if (it.alerts !== undefined) expectRows(verdict.alerts, it.alerts);
  });
});
