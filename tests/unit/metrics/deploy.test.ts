/** The files that deploy Vigie agree with what it reads and measures. */

import { globSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { z } from 'zod';
import { SETTINGS } from '../../../src/config.ts';
import { METRICS } from '../../../src/metrics/names.ts';
import type { MetricDefinition } from '../../../src/metrics/names.ts';

const root = fileURLToPath(new URL('../../../', import.meta.url));
const read = (path: string): string => readFileSync(`${root}${path}`, 'utf8');

const composeSchema = z.object({
  services: z.record(
    z.string(),
    z.object({
      image: z.string(),
      ports: z.array(z.string()).optional(),
      environment: z.record(z.string(), z.union([z.string(), z.number()])).optional(),
      healthcheck: z.object({ test: z.array(z.string()) }).optional(),
      restart: z.string().optional(),
      read_only: z.boolean().optional(),
    }),
  ),
});
const { services } = composeSchema.parse(parse(read('docker-compose.yml')));

describe('docker-compose.yml', () => {
  test('has no secret in it, and stops with the name of one that is not set', () => {
    const secrets = Object.values(services).flatMap(({ environment = {} }) =>
      Object.entries(environment).filter(([name]) => /PASSWORD|KEY$/.test(name)),
    );
    expect(secrets.length).toBeGreaterThan(3);
    for (const [name, value] of secrets) {
      expect(value, name).toMatch(/^\$\{([A-Z_]+):\?set \1 in \.env/);
      const variable = /^\$\{([A-Z_]+)/.exec(String(value))![1];
      expect(read('deploy/example.env')).toMatch(new RegExp(`^${variable}=$`, 'm'));
    }
  });

  test('gives Vigie only settings that exist', () => {
    const known = new Set<string>(Object.values(SETTINGS).map((setting) => setting.env));
    expect(Object.keys(services['vigie']!.environment!).filter((name) => !known.has(name))).toEqual([]);
    const inImage = [...read('Dockerfile').matchAll(/\b(VIGIE_[A-Z_]+)=/g)].map(([, name]) => name!);
    expect(inImage.filter((name) => !known.has(name))).toEqual([]);
  });

  test.each(Object.entries(services))(
    '%s has a fixed release, a health check and no port open to others',
    (_, it) => {
      expect(it.image).toMatch(/:(?!latest$).+/);
      // What runs once and ends needs no check.
      expect(it.healthcheck !== undefined || it.restart === 'no').toBe(true);
      for (const port of it.ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:/);
    },
  );
});

describe('the image', () => {
  test('runs without root and without the embedded engine', () => {
    const dockerfile = read('Dockerfile');
    expect(dockerfile).toMatch(/^USER node$/m);
    expect(dockerfile).toContain('--omit=optional');
    expect(services['vigie']!.read_only).toBe(true);
  });

  test('copies nothing that .dockerignore keeps out', () => {
    const allowed = read('.dockerignore')
      .split('\n')
      .filter((line) => line.startsWith('!'))
      .map((line) => line.slice(1));
    const copied = [...read('Dockerfile').matchAll(/^COPY (?!--from)(.+)$/gm)].flatMap(([, args]) =>
      args!.split(' ').slice(0, -1),
    );
    expect(copied.length).toBeGreaterThan(4);
    expect(copied.filter((path) => !allowed.includes(path))).toEqual([]);
  });
});

interface Expression {
  readonly place: string;
  readonly text: string;
}

const rulesSchema = z.object({
  groups: z.array(z.object({ rules: z.array(z.object({ alert: z.string(), expr: z.string() })) })),
});
const dashboardSchema = z.object({
  panels: z.array(z.object({ title: z.string(), targets: z.array(z.object({ expr: z.string() })) })),
});

function expressions(): Expression[] {
  const alerting = rulesSchema
    .parse(parse(read('deploy/prometheus/alerts.yml')))
    .groups.flatMap(({ rules }) => rules.map(({ alert, expr }) => ({ place: alert, text: expr })));
  const panels = globSync('deploy/grafana/dashboards/*.json', { cwd: root }).flatMap((path) =>
    dashboardSchema
      .parse(JSON.parse(read(path)))
      .panels.flatMap(({ title, targets }) =>
        targets.map(({ expr }) => ({ place: `${path}: ${title}`, text: expr })),
      ),
  );
  return [...alerting, ...panels];
}

describe('dashboards and alerting rules', () => {
  const definitions: readonly MetricDefinition[] = Object.values(METRICS);
  const names = new Map<string, MetricDefinition>();
  for (const definition of definitions) {
    if (definition.type !== 'histogram') names.set(definition.name, definition);
    else for (const suffix of ['_bucket', '_sum', '_count']) names.set(definition.name + suffix, definition);
  }

  test.each(expressions())('$place: $text uses only metrics and labels that exist', ({ text }) => {
    const used = [...text.matchAll(/\bvigie_\w+/g)].map(([name]) => name);
    expect(used.filter((name) => !names.has(name))).toEqual([]);
    const given = new Set(['instance', 'job', 'le', ...used.flatMap((name) => names.get(name)!.labels)]);
    const grouped = [...text.matchAll(/\b(?:by|on|without) \(([^)]*)\)/g)].flatMap(([, list]) =>
      list!.split(/,\s*/),
    );
    const matched = [...text.matchAll(/[{,]\s*(\w+)\s*[=!]/g)].map(([, label]) => label!);
    expect([...grouped, ...matched].filter((label) => !given.has(label))).toEqual([]);
  });

  test('counters are only used as rates or increases', () => {
    for (const { place, text } of expressions()) {
      for (const [use] of text.matchAll(/(?:rate|increase)?\(?\bvigie_\w+_total\b/g)) {
        expect(use, place).toMatch(/^(rate|increase)\(/);
      }
    }
  });
});
