/**
 * Every metric of Vigie itself, in one table: the registry is built from it, docs/metrics.md is compared with
 * it, dashboards and alerting rules may use no other name.
 *
 * Prefix `vigie_`, base units, `_total` on counters. Labels have few values: rules, levels, codes, partitions,
 * tables; never an account, a person or an address.
 */

import { EVENT_METRICS } from './event-metrics.ts';
import { PROCESS_METRICS } from './process-metrics.ts';
import { STORAGE_METRICS } from './storage-metrics.ts';

export const METRICS = { ...EVENT_METRICS, ...STORAGE_METRICS, ...PROCESS_METRICS } as const;
