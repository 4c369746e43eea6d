/** A real Prometheus scrapes the metrics, and its own tool finds nothing to object to. */

import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import { createCanaryMetrics, createMetrics } from '../../src/metrics/registry.ts';
import type { Metrics } from '../../src/metrics/registry.ts';
import { startMetricsServer } from '../../src/metrics/server.ts';
import { havePrograms } from '../support/programs.ts';

const installed = havePrograms(['prometheus', 'promtool'], 'install the package "prometheus"');

const cleanups: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const cleanup of cleanups.splice(0).toReversed()) await cleanup();
});

function exampleMetrics(): Metrics {
  const metrics = createMetrics('0.0.0');
  metrics.eventsConsumed.inc(340_000);
  metrics.deadLetters.inc({ code: 'NOT_JSON' }, 3);
  metrics.ruleMatches.inc({ rule: 'a "quoted" \\ rule\nname' }, 7);
  metrics.alerts.inc({ rule: 'bulk-read', level: 'high', status: 'opened' });
  metrics.alertsOpen.set({ rule: 'bulk-read', level: 'high' }, 1);
  // As while processes take an edited title one after the other.
  for (const title of ['Bulk "read"\n', 'Bulk reading']) {
    metrics.ruleInfo.set({ rule: 'bulk-read', title, level: 'high', kind: 'correlation' }, 1);
  }
  metrics.lagOffsets.set({ partition: '0' }, 12);
  metrics.lagTime.set({ partition: '0' }, 1.5);
  metrics.sinkBatches.inc({ table: 'alerts' });
  metrics.sinkSeconds.observe({ table: 'alerts' }, 0.02);
  return metrics;
}

/** The query that docs/metrics.md shows. */
function titledQuery(): string {
  const page = readFileSync(new URL('../../docs/metrics.md', import.meta.url), 'utf8');
  return /```promql\n(.+)\n```/.exec(page)![1]!;
}

describe.runIf(installed)('Prometheus', () => {
  test('scrapes the metrics and answers with their values', async () => {
    const metrics = exampleMetrics();
    const server = await startMetricsServer({
      registry: metrics.registry,
      onScrape: () => metrics.ready.set(1),
      port: 0,
    });
    cleanups.push(() => server.close());
    const url = await startPrometheus(server.port);
    const valueOf = async (query: string): Promise<unknown> => {
      const response = await fetch(`${url}/api/v1/query?query=${encodeURIComponent(query)}`).catch(
        () => undefined,
      );
      const answer = (await response?.json()) as
        | { data?: { result?: { value: [number, string] }[] } }
        | undefined;
      return answer?.data?.result?.[0]?.value[1];
    };
    const patience = { timeout: 20_000, interval: 200 };
    await expect.poll(() => valueOf('vigie_events_consumed_total'), patience).toBe('340000');
    expect(await valueOf('vigie_ready')).toBe('1');
    expect(await valueOf('vigie_dead_letters_total{code="NOT_JSON"}')).toBe('3');
    expect(await valueOf('vigie_rule_matches_total')).toBe('7');
    expect(await valueOf(titledQuery())).toBe('1');
    expect(
      await valueOf('histogram_quantile(0.5, rate(vigie_sink_batch_seconds_bucket[1m])) or vector(-1)'),
    ).toBeDefined();
  });

  test('has nothing to object to in the names, units and help texts', async () => {
    const input = await exampleMetrics().registry.metrics();
    const check = spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' });
    expect(check.stderr + check.stdout).toBe('');
    expect(check.status).toBe(0);
  });

  test('has nothing to object to in the metrics of canaries', async () => {
    const metrics = createCanaryMetrics();
    metrics.canarySuccess.set({ rule: 'bulk-read', title: 'Bulk "read"\n' }, 0);
    const input = await metrics.registry.metrics();
    expect(spawnSync('promtool', ['check', 'metrics'], { input, encoding: 'utf8' }).stdout).toBe('');
  });

  test('accepts the configuration and the alerting rules that are shipped', () => {
    const folder = fileURLToPath(new URL('../../deploy/prometheus/', import.meta.url));
    // The configuration names its rules by the path inside the container.
    expect(
      execFileSync('promtool', ['check', 'rules', join(folder, 'alerts.yml')], { encoding: 'utf8' }),
    ).toMatch(/SUCCESS: \d+ rules found/);
    expect(
      execFileSync('promtool', ['check', 'config', '--syntax-only', join(folder, 'prometheus.yml')], {
        encoding: 'utf8',
      }),
    ).toContain('SUCCESS');
  });
});

/** Starts Prometheus on a free port, scraping `port` every 200 ms; resolves with its address. */
async function startPrometheus(port: number): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-prometheus-'));
  const config = join(folder, 'prometheus.yml');
  writeFileSync(
    config,
    `global: { scrape_interval: 200ms, scrape_timeout: 200ms }
scrape_configs:
  - job_name: vigie
    static_configs: [{ targets: ['127.0.0.1:${port}'] }]
`,
  );
  const child = spawn(
    'prometheus',
    [`--config.file=${config}`, `--storage.tsdb.path=${folder}/data`, '--web.listen-address=127.0.0.1:0'],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  );
  const exited = once(child, 'exit');
  cleanups.push(async () => {
    child.kill('SIGKILL');
    await exited;
    rmSync(folder, { recursive: true, force: true });
  });
  let log = '';
  // Read to the end: Prometheus dies of a closed standard error.
  const listening = new Promise<string>((done) => {
    child.stderr.on('data', (chunk: Buffer) => {
      log += chunk.toString();
      const address = /msg="?Listening on"? address=(127\.0\.0\.1:\d+)/.exec(log)?.[1];
      if (address !== undefined) done(`http://${address}`);
    });
  });
  return Promise.race([
    listening,
    exited.then(() => {
      throw new Error(`prometheus ended: ${log}`);
    }),
  ]);
}
