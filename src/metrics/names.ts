/**
 * Every metric of Vigie itself, in one table: the registry is built from it, docs/metrics.md is compared with
 * it, dashboards and alerting rules may use no other name.
 *
 * Prefix `vigie_`, base units, `_total` on counters. Labels have few values: rules, levels, codes, partitions,
 * tables; never an account, a person or an address.
 */

export interface MetricDefinition {
  readonly name: string;
  readonly type: 'counter' | 'gauge' | 'histogram';
  readonly labels: readonly string[];
  readonly unit: string;
  readonly help: string;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

const LATENCY_BUCKETS_SECONDS = [0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];

export const METRICS = {
  eventsConsumed: {
    name: 'vigie_events_consumed_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    help: 'Events taken from the source for the first time, dead letters included.',
  },
  eventsSkipped: {
    name: 'vigie_skipped_events_total',
    type: 'counter',
    labels: ['case'],
    unit: 'events',
    help: 'Lines that the mapping leaves out, by its case; “no case” fits none, “directive” is no entry of the log.',
  },
  bytesConsumed: {
    name: 'vigie_consumed_bytes_total',
    type: 'counter',
    labels: [],
    unit: 'bytes',
    help: 'Encoded size of the events consumed.',
  },
  eventsRestored: {
    name: 'vigie_restored_events_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    help: 'Events read again after a start or a rebalance to rebuild the windows.',
  },
  deadLetters: {
    name: 'vigie_dead_letters_total',
    type: 'counter',
    labels: ['code'],
    unit: 'events',
    help: 'Inputs that are no events, by reason; kept as dead letters.',
  },
  eventsLate: {
    name: 'vigie_late_events_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    help: 'Events older than the watermark; windows that had closed did not count them.',
  },
  eventsFuture: {
    name: 'vigie_future_events_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    help: 'Events further ahead of the wall clock than allowed; also counted as dead letters.',
  },
  eventsDuplicate: {
    name: 'vigie_duplicate_events_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    help: 'Exact copies of an event seen before, by event id; counted once in every window.',
  },
  eventsConflicting: {
    name: 'vigie_conflicting_id_events_total',
    type: 'counter',
    labels: [],
    unit: 'events',
    help: 'Events whose id was seen before with another content.',
  },
  eventsWithoutGroup: {
    name: 'vigie_missing_group_events_total',
    type: 'counter',
    labels: ['rule'],
    unit: 'events',
    help: 'Matched events that a correlation skipped because a group-by field was missing.',
  },
  ruleMatches: {
    name: 'vigie_rule_matches_total',
    type: 'counter',
    labels: ['rule'],
    unit: 'events',
    help: 'Events that a base rule matched.',
  },
  ruleFirings: {
    name: 'vigie_rule_firings_total',
    type: 'counter',
    labels: ['rule'],
    unit: 'firings',
    help: 'Crossings of a rule’s condition: one per episode.',
  },
  alerts: {
    name: 'vigie_alerts_total',
    type: 'counter',
    labels: ['rule', 'level', 'status'],
    unit: 'alerts',
    help: 'Alerts that were acknowledged as opened, resolved or merged.',
  },
  alertsOpen: {
    name: 'vigie_alerts_open',
    type: 'gauge',
    labels: ['rule', 'level'],
    unit: 'alerts',
    help: 'Alerts that are firing now.',
  },
  lagOffsets: {
    name: 'vigie_lag_offsets',
    type: 'gauge',
    labels: ['partition'],
    unit: 'messages',
    help: 'Messages between the last one processed and the end of the partition.',
  },
  lagTime: {
    name: 'vigie_lag_seconds',
    type: 'gauge',
    labels: ['partition'],
    unit: 'seconds',
    help: 'Wall time minus the newest event time of the partition.',
  },
  watermark: {
    name: 'vigie_watermark_timestamp_seconds',
    type: 'gauge',
    labels: [],
    unit: 'seconds since the epoch',
    help: 'Event time up to which everything is taken to have arrived.',
  },
  eventToAlert: {
    name: 'vigie_event_to_alert_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'From the time of the event that crossed the threshold to the acknowledged alert.',
    buckets: LATENCY_BUCKETS_SECONDS,
  },
  processingToAcknowledge: {
    name: 'vigie_processing_to_acknowledge_seconds',
    type: 'histogram',
    labels: [],
    unit: 'seconds',
    help: 'From reading a batch to the acknowledgement of the alerts it changed.',
    buckets: LATENCY_BUCKETS_SECONDS,
  },
  stateGroups: {
    name: 'vigie_state_groups',
    type: 'gauge',
    labels: [],
    unit: 'groups',
    help: 'Groups (rule and group-by values) held in memory.',
  },
  stateBytes: {
    name: 'vigie_state_bytes',
    type: 'gauge',
    labels: [],
    unit: 'bytes',
    help: 'Memory held by windows and by the recognition of copies.',
  },
  stateCoalesced: {
    name: 'vigie_coalesced_entries_total',
    type: 'counter',
    labels: [],
    unit: 'entries',
    help: 'Window entries folded away beyond the exact bound: values of such windows are estimates.',
  },
  groupsEvicted: {
    name: 'vigie_evicted_groups_total',
    type: 'counter',
    labels: ['rule'],
    unit: 'groups',
    help: 'Groups dropped because a rule held too many: its detection has gaps.',
  },
  sinkBatches: {
    name: 'vigie_sink_batches_total',
    type: 'counter',
    labels: ['table'],
    unit: 'inserts',
    help: 'Inserts that ClickHouse acknowledged.',
  },
  sinkRows: {
    name: 'vigie_sink_rows_total',
    type: 'counter',
    labels: ['table'],
    unit: 'rows',
    help: 'Rows that ClickHouse acknowledged.',
  },
  sinkSeconds: {
    name: 'vigie_sink_batch_seconds',
    type: 'histogram',
    labels: ['table'],
    unit: 'seconds',
    help: 'Duration of an insert, retries included.',
    buckets: LATENCY_BUCKETS_SECONDS,
  },
  sinkRetries: {
    name: 'vigie_sink_retries_total',
    type: 'counter',
    labels: ['code'],
    unit: 'attempts',
    help: 'Failures of ClickHouse that were tried again.',
  },
  sinkErrors: {
    name: 'vigie_sink_errors_total',
    type: 'counter',
    labels: ['code'],
    unit: 'failures',
    help: 'Failures of ClickHouse that trying again does not repair.',
  },
  sourceProblems: {
    name: 'vigie_source_problems_total',
    type: 'counter',
    labels: ['code'],
    unit: 'failures',
    help: 'Troubles of the source, such as an unreachable broker.',
  },
  inputGaps: {
    name: 'vigie_input_gap_messages_total',
    type: 'counter',
    labels: [],
    unit: 'messages',
    help: 'Messages that were deleted from the topic before they were read: nobody examined them.',
  },
  inputGapTime: {
    name: 'vigie_input_gap_timestamp_seconds',
    type: 'gauge',
    labels: ['cause'],
    unit: 'seconds since the epoch',
    help: 'When this process last found that part of the topic was gone: deleted, or the topic recreated; 0 for never.',
  },
  rulesLoaded: {
    name: 'vigie_rules_loaded',
    type: 'gauge',
    labels: ['kind'],
    unit: 'rules',
    help: 'Rules in force: rule (one event), correlation (windows), filter.',
  },
  ruleErrors: {
    name: 'vigie_rule_errors',
    type: 'gauge',
    labels: [],
    unit: 'faults',
    help: 'Faults found in the rule files at the last loading.',
  },
  ruleLoad: {
    name: 'vigie_rule_load_seconds',
    type: 'gauge',
    labels: [],
    unit: 'seconds',
    help: 'Duration of the last loading of the rules.',
  },
  listRows: {
    name: 'vigie_list_rows',
    type: 'gauge',
    labels: ['list'],
    unit: 'rows',
    help: 'Rows of a lookup list that are in force.',
  },
  listRefusals: {
    name: 'vigie_list_refusals_total',
    type: 'counter',
    labels: ['list'],
    unit: 'files',
    help: 'Changed files of a lookup list that were refused: the rows before stay in force.',
  },
  ready: {
    name: 'vigie_ready',
    type: 'gauge',
    labels: [],
    unit: '0 or 1',
    help: '1 when the process reads its source and can store alerts, as /readyz says.',
  },
  fastDecoder: {
    name: 'vigie_fast_decoder',
    type: 'gauge',
    labels: [],
    unit: '0 or 1',
    help: '1 when events are decoded in WebAssembly, 0 when this machine cannot run it and the slower decoder does all.',
  },
  buildInfo: {
    name: 'vigie_build_info',
    type: 'gauge',
    labels: ['version', 'node_version'],
    unit: '1',
    help: 'Always 1; the labels say which release runs.',
  },
} as const satisfies Record<string, MetricDefinition>;
