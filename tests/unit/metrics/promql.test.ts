/** The check of queries that the tests of dashboards and alerts rely on finds what it is for. */

import { describe, expect, test } from 'vitest';
import { checkQuery } from '../../support/promql.ts';

describe('a query', () => {
  test.each([
    ['vigie_lag_second', 'no metric vigie_lag_second'],
    ['{job="vigie"}', 'no metric {job="vigie"}'],
    ['vigie_lag_seconds{topic="x"}', 'no label topic in: vigie_lag_seconds{topic="x"}'],
    ['sum by (account) (vigie_lag_seconds)', 'no label account in: sum by (account) (vigie_lag_seconds)'],
    ['sum by (rule) (sum by (level) (vigie_alerts_open))', 'no label rule'],
    ['vigie_dead_letters_total > 5', 'a counter is no value in itself: vigie_dead_letters_total'],
    ['sum(vigie_events_consumed_total)', 'a counter is no value in itself'],
    ['rate(sum(vigie_events_consumed_total)[5m:1m])', 'a counter is no value in itself'],
    ['histogram_quantile(0.9, sum by (table) (rate(vigie_sink_batch_seconds_bucket[5m])))', 'no label le'],
    [
      'sum by (code) (rate(vigie_dead_letters_total[5m])) > sum(rate(vigie_events_consumed_total[5m]))',
      'never meet',
    ],
    ['vigie_ready == 0 and on (partition) vigie_lag_seconds', 'no label partition'],
    ['vigie_alerts_open * on (rule) group_left (titel) vigie_rule_info', 'no label titel'],
    ['sum(vigie_ready', 'no PromQL at column'],
  ])('%s is refused: %s', (query, fault) => {
    const { faults } = checkQuery(query);
    expect(faults.join('\n')).toContain(fault);
  });

  test.each([
    ['vigie_ready == 0', ['instance', 'job']],
    ['absent(vigie_build_info)', []],
    ['max by (instance) (vigie_lag_seconds > 300 and vigie_lag_offsets > 0)', ['instance']],
    ['topk(10, sum by (rule) (rate(vigie_rule_matches_total[$__rate_interval])))', ['rule']],
    ['histogram_quantile(0.9, sum by (table, le) (rate(vigie_sink_batch_seconds_bucket[5m])))', ['table']],
    [
      'sum by (rule) (vigie_alerts_open) * on (rule) group_left (title) topk by (rule) (1, vigie_rule_info)',
      ['rule', 'title'],
    ],
    ['sum(vigie_alerts_open) or vector(0)', []],
    ['1 - process_resident_memory_bytes{instance=~"$instance"} / 5', ['instance', 'job']],
    ['sum without (instance, job) (vigie_lag_offsets offset 1h)', ['partition']],
    ['time() - (vigie_watermark_timestamp_seconds > 0)', ['instance', 'job']],
  ])('%s is fine, and its answer has the labels %s', (query, labels) => {
    const check = checkQuery(query);
    expect(check.faults).toEqual([]);
    expect([...check.labels].toSorted()).toEqual(labels);
  });
});
