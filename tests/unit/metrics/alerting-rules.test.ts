/** The alerting rules: each asks for what exists, fires and stays silent where it should, and says what to do. */

import { spawnSync } from 'node:child_process';
import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { havePrograms } from '../../support/programs.ts';
import { checkQuery } from '../../support/promql.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const folder = `${root}deploy/prometheus/`;
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');
const hasPromtool = havePrograms(['promtool'], 'install the package "prometheus"');

const rulesSchema = z.object({
  groups: z.array(
    z.object({
      rules: z.array(
        z.strictObject({
          alert: z.string(),
          expr: z.string(),
          for: z.string().optional(),
          labels: z.strictObject({ severity: z.enum(['critical', 'warning', 'info']) }),
          annotations: z.strictObject({ summary: z.string(), runbook: z.string() }),
        }),
      ),
    }),
  ),
});
const alerts = rulesSchema
  .parse(parse(read('deploy/prometheus/alerts.yml')))
  .groups.flatMap(({ rules }) => rules);

const testSchema = z.object({
  tests: z.array(
    z.object({
      promql_expr_test: z.array(
        z.object({ expr: z.string(), exp_samples: z.array(z.object({ labels: z.string() })) }),
      ),
    }),
  ),
});
const testFiles = globSync('*.test.yml', { cwd: folder }).toSorted();
const expectations = testFiles.flatMap((file) =>
  testSchema
    .parse(parse(readFileSync(folder + file, 'utf8')))
    .tests.flatMap(({ promql_expr_test }) => promql_expr_test),
);

describe('the alerting rules', () => {
  test.each(alerts)('$alert asks only for metrics and labels that exist', ({ expr, annotations }) => {
    const { faults, labels } = checkQuery(expr);
    expect(faults).toEqual([]);
    const named = [...annotations.summary.matchAll(/\$labels\.(\w+)/g)].map(([, label]) => label!);
    expect(named.filter((label) => !labels.has(label))).toEqual([]);
  });

  test.each(alerts)('$alert has a section in docs/operations.md that says what to do', (rule) => {
    expect(rule.annotations.runbook).toBe(`docs/operations.md#${rule.alert.toLowerCase()}`);
    const page = read('docs/operations.md');
    const [, section] = page.split(`\n### ${rule.alert}\n`);
    expect(section, `### ${rule.alert}`).toBeDefined();
    expect(section!.split('\n#')[0]!.trim().length).toBeGreaterThan(100);
  });

  test('are all that docs/operations.md has sections for', () => {
    const headings = [...read('docs/operations.md').matchAll(/^### (Vigie\w+)$/gm)].map(([, name]) => name);
    expect(headings).toEqual(alerts.map(({ alert }) => alert));
  });

  test.each(alerts)('$alert has a series that fires it and one that does not', ({ alert }) => {
    const own = expectations.filter(({ expr }) => expr.includes(`"${alert}"`));
    expect(own.some(({ exp_samples }) => exp_samples.some(({ labels }) => labels.includes('"firing"')))).toBe(
      true,
    );
    expect(own.some(({ exp_samples }) => exp_samples.length === 0)).toBe(true);
  });

  test.runIf(hasPromtool)(
    'fire and stay silent in Prometheus as the tests beside them say',
    () => {
      const { status, stdout, stderr } = spawnSync('promtool', ['test', 'rules', ...testFiles], {
        cwd: folder,
        encoding: 'utf8',
      });
      expect(stdout + stderr).not.toContain('FAILED');
      expect(status).toBe(0);
      expect(testFiles.length).toBeGreaterThan(3);
    },
    300_000,
  );
});
