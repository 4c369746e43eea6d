/**
 * The metrics of one process: a registry of its own, never prom-client's global one, with one typed field per
 * entry of the table of names. Updating is plain prom-client; whoever is hot does it once per batch.
 */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { METRICS } from './names.ts';
import type { MetricDefinition } from './definition.ts';

type Definitions = typeof METRICS;

type MetricOf<D extends MetricDefinition> = D['type'] extends 'counter'
  ? Counter<D['labels'][number]>
  : D['type'] extends 'gauge'
    ? Gauge<D['labels'][number]>
    : Histogram<D['labels'][number]>;

export type Metrics = { readonly registry: Registry } & {
  readonly [K in keyof Definitions]: MetricOf<Definitions[K]>;
};

/** Gauges that prom-client names like counters, which Prometheus' own check objects to. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * All metrics at zero, those of the process (`process_*`, `nodejs_*`) included. `version` is the release;
 * metrics without labels exist from the start, so that their absence in Prometheus means something.
 */
export function createMetrics(version: string): Metrics {
  const registry = new Registry();
  const metrics = Object.fromEntries(
    Object.entries(METRICS).map(([field, definition]) => [field, createMetric(definition, registry)]),
  ) as unknown as Metrics;
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  metrics.buildInfo.set({ version, node_version: process.versions.node }, 1);
  return Object.assign(metrics, { registry });
}

function createMetric(definition: MetricDefinition, registry: Registry): Counter | Gauge | Histogram {
  const { name, type, labels, help, buckets } = definition;
  const options = { name, help, labelNames: [...labels], registers: [registry] };
  switch (type) {
    case 'counter':
      return new Counter(options);
    case 'gauge':
      return new Gauge(options);
    case 'histogram':
      return new Histogram({ ...options, ...(buckets === undefined ? {} : { buckets: [...buckets] }) });
  }
}
