/**
 * Every metric of Vigie itself, in three tables: of the service, of `vigie canary` and of `vigie notify`. Registries
 * are built from them, docs/metrics.md is compared with them, and dashboards and alerting rules may use no other name.
 *
 * Prefix `vigie_`, base units, `_total` on counters. Labels have few values: rules, levels, codes, partitions, tables;
 * never an account, a person or an address.
 */

import { CANARY_METRICS } from './canary-metrics.ts';
import { NOTIFY_METRICS } from './notify-metrics.ts';
import { EVENT_METRICS } from './event-metrics.ts';
import { PROCESS_METRICS } from './process-metrics.ts';
import { STORAGE_METRICS } from './storage-metrics.ts';

/** Metrics of the service. */
export const METRICS = { ...EVENT_METRICS, ...STORAGE_METRICS, ...PROCESS_METRICS } as const;

export const ALL_METRICS = { ...METRICS, ...CANARY_METRICS, ...NOTIFY_METRICS } as const;
