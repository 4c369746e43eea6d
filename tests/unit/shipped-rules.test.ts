/** The shipped rules as a set: complete, documented, and each with tests that fire and stay silent. */

import { existsSync, readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { parse } from 'yaml';
import { generate } from '../../replay/index.ts';
import { Engine } from '../../src/detect/engine.ts';
import { createDecoder } from '../../src/event/create-decoder.ts';
import { FieldTable } from '../../src/event/record.ts';
import { loadRules } from '../../src/files/rule-files.ts';
import { raisesAlerts } from '../../src/sigma/rule.ts';

const ruleSet = loadRules(['rules']);
const documents = [...ruleSet.rules, ...ruleSet.correlations];
const page = readFileSync('docs/detections.md', 'utf8');

test('the shipped rules load without a fault or a warning', () => {
  expect(ruleSet.faults).toEqual([]);
  expect(ruleSet.correlations.length).toBeGreaterThan(0);
});

test('docs/detections.md names every correlation, and no rule that is not there', () => {
  const named = new Set([...page.matchAll(/`([a-z]+(?:_[a-z0-9]+)+)`/g)].map((match) => match[1]!));
  const lists = ['hosting_networks', 'organisation_egress', 'service_accounts'];
  const metrics = [...named].filter((name) => name.startsWith('vigie_'));
  const names = ruleSet.correlations.map(({ name }) => name!);
  expect([...named].filter((name) => !lists.includes(name) && !metrics.includes(name)).sort()).toEqual(
    names.sort(),
  );
});

test.each(documents.map((rule) => [rule.name, rule] as const))(
  '%s has tests that fire and tests that stay silent',
  (_, rule) => {
    const file = rule.file.replace(/\.yml$/, '.tests.yml');
    expect(existsSync(file)).toBe(true);
    const { tests } = parse(readFileSync(file, 'utf8')) as { tests: { fires: unknown[] }[] };
    expect(tests.some(({ fires }) => fires.length > 0)).toBe(true);
    expect(tests.some(({ fires }) => fires.length === 0)).toBe(true);
  },
);

const INCIDENTS =
  /Kairos|Cap emploi|Missions Locales|FICOBA|GAEL|DGFiP|Viamedis|infostealer campaign|known incident/;

test.each(ruleSet.correlations.filter(raisesAlerts).map((rule) => [rule.name, rule] as const))(
  '%s says which incident it would have caught, or that none is known',
  (_, rule) => {
    expect(rule.description.replaceAll(/\s+/g, ' ')).toMatch(INCIDENTS);
  },
);

test.each(ruleSet.correlations.map((rule) => [rule.name, rule] as const))(
  '%s tells an operator what it is, when it errs and what to do',
  (_, rule) => {
    expect(rule.tags.some((tag) => tag.startsWith('attack.t'))).toBe(true);
    expect(rule.falsePositives.length).toBeGreaterThan(0);
    expect(rule.runbook).toMatch(/Check:.*Contain:.*sessions.*Notify:.*72 hours/s);
  },
);

test('ordinary traffic has what each rule groups by, so that VigieMissingGroupField says that a field went missing', () => {
  const fields = new FieldTable();
  const hashKey = new Uint8Array(16);
  const engine = new Engine({ ruleSet, fields, hashKey, latenessMs: 60_000 });
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: hashKey });
  const record = fields.newRecord();
  for (const chunk of generate('benign', { accounts: 300, duration: '1d' }).batches()) {
    for (let i = 0; i < chunk.count; i += 1) {
      const start = i === 0 ? 0 : chunk.ends[i - 1]!;
      expect(decoder.decode(chunk.bytes, start, chunk.ends[i]! - 1, record)).toBeUndefined();
      engine.process(record, 0);
    }
  }
  expect(engine.counts.matches.filter((matches) => matches > 0).length).toBeGreaterThan(10);
  expect([...engine.counts.missingGroup].filter(([, skipped]) => skipped > 0)).toEqual([]);
});
