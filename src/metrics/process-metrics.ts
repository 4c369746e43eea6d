/** What the process reads, its rules and lists, and the process itself. */

import type { MetricDefinition } from './definition.ts';

export const PROCESS_METRICS = {
  sourceProblems: {
    name: 'vigie_source_problems_total',
    type: 'counter',
    labels: ['code'],
    unit: 'failures',
    help: 'Troubles of the source, such as an unreachable broker.',
  },
  partitionsElsewhere: {
    name: 'vigie_partitions_elsewhere',
    type: 'gauge',
    labels: [],
    unit: 'partitions',
    help: 'Partitions that another process of the group reads although groups are not divided over processes: windows are not whole. 0 for none.',
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
  ruleInfo: {
    name: 'vigie_rule_info',
    type: 'gauge',
    labels: ['rule', 'title', 'level', 'kind'],
    unit: '1',
    help: 'Always 1, for each rule in force; joined by its label rule it gives others the title and the level. The kind is rule (one event) or correlation (windows).',
  },
  ruleErrors: {
    name: 'vigie_rule_errors',
    type: 'gauge',
    labels: [],
    unit: 'faults',
    help: 'Faults found in the rule files at the last loading; above 0, the rules before stay in force.',
  },
  ruleWarming: {
    name: 'vigie_rule_warming_until_timestamp_seconds',
    type: 'gauge',
    labels: ['rule'],
    unit: 'seconds since the epoch',
    help: 'Event time until which a rule that was changed while running has not seen all that decides on it; no series when it has.',
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
