/**
 * The metrics of one process, in a registry of their own, never prom-client's global one, with one typed field per
 * entry of the tables of names. Updates are plain prom-client; hot paths update once per batch.
 */

import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from 'prom-client';
import { CANARY_METRICS } from './canary-metrics.ts';
import { METRICS } from './names.ts';
import { NOTIFY_METRICS } from './notify-metrics.ts';
import type { MetricDefinition } from './definition.ts';

type Definitions = Readonly<Record<string, MetricDefinition>>;

type MetricOf<D extends MetricDefinition> = D['type'] extends 'counter'
  ? Counter<D['labels'][number]>
  : D['type'] extends 'gauge'
    ? Gauge<D['labels'][number]>
    : Histogram<D['labels'][number]>;

type Registered<D extends Definitions> = { readonly registry: Registry } & {
  readonly [K in keyof D]: MetricOf<D[K]>;
};

export type Metrics = Registered<typeof METRICS>;
export type CanaryMetrics = Registered<typeof CANARY_METRICS>;
export type NotifyMetrics = Registered<typeof NOTIFY_METRICS>;

/** Gauges that prom-client names like counters, which Prometheus' own linter rejects. */
const MISNAMED = [
  'nodejs_active_handles_total',
  'nodejs_active_requests_total',
  'nodejs_active_resources_total',
];

/**
 * All metrics of the service at zero, including those of the process (`process_*`, `nodejs_*`). `version` is the
 * release. Metrics without labels exist from the start, so that their absence in Prometheus means something.
 */
export function createMetrics(version: string): Metrics {
  const metrics = registered(METRICS);
  metrics.buildInfo.set({ version, node_version: process.versions.node }, 1);
  return metrics;
}

/** The metrics of `vigie canary`. The service's are absent: at zero they would say that nothing is detected. */
export function createCanaryMetrics(): CanaryMetrics {
  return registered(CANARY_METRICS);
}

/** The metrics of `vigie notify`. */
export function createNotifyMetrics(): NotifyMetrics {
  return registered(NOTIFY_METRICS);
}

function registered<D extends Definitions>(definitions: D): Registered<D> {
  const registry = new Registry();
  const metrics = Object.fromEntries(
    Object.entries(definitions).map(([field, definition]) => [field, createMetric(definition, registry)]),
  );
  collectDefaultMetrics({ register: registry });
  for (const name of MISNAMED) registry.removeSingleMetric(name);
  return Object.assign(metrics, { registry }) as unknown as Registered<D>;
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
