/** What `vigie canary` found out about the other processes. */

import { LATENCY_BUCKETS_SECONDS, type MetricDefinition } from './definition.ts';

export const CANARY_METRICS = {
  canaryRules: {
    name: 'vigie_canary_rules',
    type: 'gauge',
    labels: ['proved'],
    unit: 'rules',
    help: 'Rules that raise alerts: yes, there are canaries of them; no, none can be made, as the log says.',
  },
  canarySuccess: {
    name: 'vigie_canary_success',
    type: 'gauge',
    labels: ['rule', 'title'],
    unit: '0 or 1',
    help: '1 when the last canary of the rule became an alert that could be read in time, 0 when it did not.',
  },
  canarySuccessTime: {
    name: 'vigie_canary_success_timestamp_seconds',
    type: 'gauge',
    labels: ['rule', 'title'],
    unit: 'seconds since the epoch',
    help: 'When the alert about a canary of the rule was last read.',
  },
  canaryDetection: {
    name: 'vigie_canary_detection_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'From sending a canary until its alert could be read, of rules that need not wait for event time.',
    buckets: LATENCY_BUCKETS_SECONDS,
  },
} as const satisfies Record<string, MetricDefinition>;
