/** Every scenario file holds for the oracle, so for what the semantics say, and for the engine. */

import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { evaluateByEngine } from '../oracle/evaluators.ts';
import { evaluate } from '../oracle/oracle.ts';
import { parseScenarios, report } from './scenario.ts';

const files = readdirSync(import.meta.dirname).filter((file) => file.endsWith('.scenario'));

describe.each(files)('%s', (file) => {
  const scenarios = parseScenarios(file, readFileSync(`${import.meta.dirname}/${file}`, 'utf8'));

  test.each(scenarios)('oracle: $title', ({ documents, log, latenessMs, expected }) => {
    expect(report(evaluate(documents, log, { latenessMs }), expected)).toEqual(expected);
  });

  test.each(scenarios)('engine: $title', ({ documents, log, latenessMs, expected }) => {
    expect(report(evaluateByEngine(documents, log, { latenessMs }), expected)).toEqual(expected);
  });
});
