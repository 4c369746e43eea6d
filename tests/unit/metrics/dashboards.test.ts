/** The dashboards: each query asks for what exists, each figure has a unit, no metric is left unseen. */

import { globSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { ALL_METRICS } from '../../../src/metrics/names.ts';
import { checkQuery } from '../../support/promql.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

/** Identifiers of Grafana's units, as far as they are used. `none` is for numbers that are no quantity. */
const UNITS = ['none', 'short', 's', 'bytes', 'Bps', 'percentunit', 'eps', 'rowsps', 'ops'] as const;
const DATA_SOURCE = z.strictObject({ type: z.literal('prometheus'), uid: z.literal('${datasource}') });

const panelSchema = z.object({
  id: z.int(),
  type: z.enum(['stat', 'timeseries', 'table']),
  title: z.string().min(1),
  description: z.string().regex(/\.$/),
  datasource: DATA_SOURCE,
  gridPos: z.object({ x: z.int(), y: z.int(), w: z.int(), h: z.int() }),
  fieldConfig: z.object({ defaults: z.object({ unit: z.enum(UNITS) }) }),
  targets: z
    .array(
      z.object({ refId: z.string(), datasource: DATA_SOURCE, expr: z.string(), legendFormat: z.string() }),
    )
    .min(1),
});
const variableSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('datasource'), name: z.string(), query: z.literal('prometheus') }),
  z.object({
    type: z.literal('query'),
    name: z.string(),
    datasource: DATA_SOURCE,
    query: z.object({ query: z.string() }),
    includeAll: z.literal(true),
    multi: z.literal(true),
  }),
]);
const dashboardSchema = z.object({
  uid: z.string(),
  title: z.string(),
  timezone: z.literal('utc'),
  templating: z.object({ list: z.array(variableSchema) }),
  panels: z.array(
    z.union([panelSchema, z.object({ id: z.int(), type: z.literal('row'), title: z.string() })]),
  ),
});

const dashboards = globSync('deploy/grafana/dashboards/*.json', { cwd: root })
  .toSorted()
  .map((path) => ({ file: basename(path), ...dashboardSchema.parse(JSON.parse(read(path))) }));
const panels = dashboards.flatMap(({ file, templating, panels: all }) =>
  all.flatMap((panel) => ('targets' in panel ? [{ file, variables: templating.list, ...panel }] : [])),
);
const targets = panels.flatMap(({ file, title, variables, type, targets: all }) =>
  all.map((target) => ({ file, title, variables, type, ...target })),
);

describe('the dashboards', () => {
  test('are one for operations and one for detection', () => {
    expect(dashboards.map(({ file }) => file)).toEqual(['detection.json', 'operations.json']);
    expect(new Set(dashboards.map(({ uid }) => uid)).size).toBe(2);
  });

  test.each(targets)('$file, $title: $expr asks only for what exists', ({ expr, legendFormat, type }) => {
    const { faults, labels } = checkQuery(expr);
    expect(faults).toEqual([]);
    const named = [...legendFormat.matchAll(/\{\{(\w+)\}\}/g)].map(([, label]) => label!);
    expect(named.filter((label) => !labels.has(label))).toEqual([]);
    // Lines without a name of their own would all look the same.
    if (type === 'timeseries') expect(legendFormat).not.toBe('');
  });

  test('use every variable they have, and no other', () => {
    for (const { file, templating } of dashboards) {
      const queries = targets.filter((target) => target.file === file).map(({ expr }) => expr);
      const used = [...queries.join('\n').matchAll(/\$(?!__)(\w+)/g)].map(([, name]) => name!);
      const declared = templating.list.map(({ name }) => name);
      expect([...new Set(used), 'datasource'].toSorted(), file).toEqual(declared.toSorted());
    }
  });

  test('fill each variable from a label that its metric has', () => {
    for (const variable of dashboards.flatMap(({ templating }) => templating.list)) {
      if (variable.type !== 'query') continue;
      const [, metric, label] = /^label_values\((\w+), (\w+)\)$/.exec(variable.query.query)!;
      // As a query on which the label is matched; what a counter is worth does not matter here.
      const faults = checkQuery(`changes(${metric}{${label}="x"}[5m])`).faults;
      expect(faults, variable.name).toEqual([]);
    }
  });

  test.each(dashboards)('$file has no two panels in one place or with one id', ({ file, panels: all }) => {
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    const placed = panels.filter((panel) => panel.file === file).map(({ gridPos }) => gridPos);
    for (const [i, a] of placed.entries()) {
      expect(a.x + a.w).toBeLessThanOrEqual(24);
      for (const b of placed.slice(i + 1)) {
        expect(a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h).toBe(false);
      }
    }
  });

  test('show every metric somewhere', () => {
    const shown = new Set(targets.flatMap(({ expr }) => [...checkQuery(expr).metrics]));
    expect(
      Object.values(ALL_METRICS)
        .map(({ name }) => name)
        .filter((name) => !shown.has(name)),
    ).toEqual([]);
  });

  test('are found by Grafana: the folder, the data source and the home page of the compose file', () => {
    const { providers } = parse(read('deploy/grafana/provisioning/dashboards/vigie.yml')) as {
      providers: { type: string; options: { path: string } }[];
    };
    expect(providers).toMatchObject([{ type: 'file', options: { path: '/etc/grafana/dashboards' } }]);
    const { datasources } = parse(read('deploy/grafana/provisioning/datasources/prometheus.yml')) as {
      datasources: { type: string; isDefault: boolean }[];
    };
    expect(datasources).toMatchObject([{ type: 'prometheus', isDefault: true }]);
    const { services } = parse(read('docker-compose.yml')) as {
      services: { grafana: { volumes: string[]; environment: Record<string, string> } };
    };
    expect(services.grafana.volumes).toContain('./deploy/grafana/dashboards:/etc/grafana/dashboards:ro');
    const home = services.grafana.environment['GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH']!;
    expect(dashboards.map(({ file }) => `/etc/grafana/dashboards/${file}`)).toContain(home);
  });
});
