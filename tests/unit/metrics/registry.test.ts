import { readFileSync } from 'node:fs';
import { register } from 'prom-client';
import { describe, expect, test } from 'vitest';
import { ALL_METRICS, METRICS } from '../../../src/metrics/names.ts';
import type { MetricDefinition } from '../../../src/metrics/definition.ts';
import { createMetrics } from '../../../src/metrics/registry.ts';

const definitions: readonly MetricDefinition[] = Object.values(ALL_METRICS);

describe('the metrics', () => {
  test.each(definitions)('$name is named as Prometheus wants it', ({ name, type, help }) => {
    expect(name).toMatch(/^vigie_[a-z]+(_[a-z]+)*$/);
    expect(name.endsWith('_total')).toBe(type === 'counter');
    expect(help).toMatch(/^[A-Z0-9].*\.$/);
  });

  test('no label could hold an account, a person or an address', () => {
    const labels = new Set(definitions.flatMap((definition) => definition.labels));
    expect([...labels].toSorted()).toEqual(
      [
        'case',
        'cause',
        'code',
        'kind',
        'level',
        'list',
        'node_version',
        'partition',
        'proved',
        'rule',
        'shard',
        'status',
        'table',
        'title',
        'version',
      ].toSorted(),
    );
  });

  test('two processes in one test do not share them, and the global registry stays empty', async () => {
    const [a, b] = [createMetrics('1'), createMetrics('1')];
    a.eventsConsumed.inc(5);
    expect(await b.registry.getSingleMetricAsString('vigie_events_consumed_total')).toContain(
      'vigie_events_consumed_total 0',
    );
    expect(register.getMetricsAsArray()).toEqual([]);
  });

  test('what has no labels is there before anything happened', async () => {
    const text = await createMetrics('1').registry.metrics();
    for (const { name, type, labels } of Object.values<MetricDefinition>(METRICS)) {
      if (labels.length === 0 && type !== 'histogram') expect(text).toContain(`\n${name} 0\n`);
    }
  });

  test('docs/metrics.md lists exactly the metrics that exist, with type, labels, unit and meaning', () => {
    const page = readFileSync(new URL('../../../docs/metrics.md', import.meta.url), 'utf8');
    const rows = page
      .split('\n')
      .filter((line) => line.startsWith('| `vigie_'))
      .map((line) =>
        line
          .split('|')
          .slice(1, -1)
          .map((cell) => cell.trim()),
      );
    const expected = definitions.map(({ name, type, labels, unit, help }) => [
      `\`${name}\``,
      type,
      labels.map((label) => `\`${label}\``).join(', ') || '–',
      unit,
      help,
    ]);
    expect(rows).toEqual(expected);
  });

  test('docs/operations.md says of each, in the same order, what to do when it moves', () => {
    const page = readFileSync(new URL('../../../docs/operations.md', import.meta.url), 'utf8');
    const rows = [...page.matchAll(/^\| `(vigie_\w+)` \| (.+) \|$/gm)].map(([, name, text]) => ({
      name,
      text,
    }));
    expect(rows.map(({ name }) => name)).toEqual(definitions.map(({ name }) => name));
    for (const { name, text } of rows) expect(text!.length, name).toBeGreaterThan(30);
  });
});
