/**
 * The service around the pipeline: database, operators' socket, metrics port, readiness, and their orderly shutdown.
 * `vigie run` and `vigie demo` are the same service with different sources.
 */

import { join } from 'node:path';
import type { Logger } from 'pino';
import type { CanaryMarks } from '../canary/marks.ts';
import type { Clock } from '../clock.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import type { Mapping } from '../event/mapping/mapping.ts';
import { scannerModule } from '../event/scanner-module.ts';
import { GoneRules } from './gone-rules.ts';
import { createMetrics, type Metrics } from '../metrics/registry.ts';
import { startMetricsServer } from '../metrics/server.ts';
import { Troubles } from '../metrics/troubles.ts';
import { newTally, type PipelineSummary } from '../pipeline/intake.ts';
import { Pipeline } from '../pipeline/pipeline.ts';
import { both, type PipelineObserver } from '../pipeline/pipeline-observer.ts';
import type { RuleFilesWatch } from '../files/rule-files-watch.ts';
import { watchRules } from './service-rules.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { ClickHouseAlertStore, type AlertStore } from '../sink/alert-store.ts';
import { type ClickHouse, openClickHouse } from '../sink/client.ts';
import { startControl } from '../sink/control.ts';
import { DeadLetterFile } from '../sink/dead-letter-file.ts';
import { openSink, tryingAgain } from '../sink/open-sink.ts';
import { retryingDeadLetters } from '../sink/retrying-dead-letters.ts';
import { RuleRecord } from '../sink/rule-record.ts';
import { watchServer } from '../sink/server-watch.ts';
import type { SignalTopic } from '../sink/signal-topic.ts';
import type { DeadLetterSink } from '../sink/sink.ts';
import type { KafkaConnection } from '../source/kafka-client.ts';
import type { Source } from '../source/source.ts';
import { openScaleOut } from '../scale-out/open-scale-out.ts';
import type { ScaleOutOptions } from '../scale-out/scale-out.ts';
import { SavingPace } from '../pipeline/saving-pace.ts';
import { SnapshotFile, whyUnwritable } from '../pipeline/snapshot-file.ts';
import { Telemetry } from './telemetry.ts';

export interface ServiceOptions {
  readonly config: Config;
  readonly ruleSet: RuleSet;
  /** Files from which rules may be reloaded while the service runs. Without them it keeps those it has. */
  readonly reload?: {
    readonly files: RuleFilesWatch;
    /** Calls back whenever somebody requests a reload; returns a function that ends this. */
    readonly onRequest: (reload: () => void) => () => void;
  };
  /** How long loading the rules took, ms. */
  readonly ruleLoadMs: number;
  readonly pseudonymKey: Uint8Array;
  /** Tell alerts about canaries from others. */
  readonly canaryMarks?: CanaryMarks | undefined;
  /** Turns lines of another log into events. Without a mapping, the lines are events. */
  readonly mapping?: Mapping | undefined;
  readonly version: string;
  /** Shown to operators who find the data folder in use. */
  readonly command: string;
  readonly logger: Logger;
  readonly clock: Clock;
  /** `problem` reports that the source cannot read, or can again. */
  readonly openSource: (problem: (error: VigieError | undefined) => void) => Source;
  /** Divides groups among all processes of the consumer group: the topic of signals, and how this process reads it. */
  readonly openSignals?:
    | ((problem: (error: VigieError | undefined) => void) => { topic: SignalTopic; source: Source })
    | undefined;
  /** End of the source's client certificate, ms since the epoch; undefined without one. */
  readonly certificateEndsMs?: KafkaConnection['certificateEndsMs'];
  /** Default: a file in the data folder. */
  readonly openDeadLetters?: (() => DeadLetterSink) | undefined;
  /** Receives the same reports as the metrics. */
  readonly observer?: Partial<Pick<PipelineObserver, 'batch' | 'alerts'>>;
  /** Called when everything is up, before the first event. */
  readonly onReady?: (place: { readonly metricsPort: number; readonly database: string }) => void;
  /** Called after the last event, while the database is still open. */
  readonly onEnd?: (store: AlertStore, summary: PipelineSummary) => Promise<void>;
}

/**
 * Runs until the source ends or `stop` aborts, even during startup. Throws what stops the service, for example
 * DATA_DIR_BUSY or PORT_IN_USE.
 */
export async function runService(options: ServiceOptions, stop: AbortSignal): Promise<PipelineSummary> {
  const { config, ruleSet, logger, clock, canaryMarks } = options;
  const closers: (() => Promise<void> | void)[] = [];
  const metrics = createMetrics(options.version);
  metrics.ruleErrors.set(0);
  metrics.ruleLoad.set(options.ruleLoadMs / 1000);
  const { fault: noScanner } = scannerModule();
  metrics.fastDecoder.set(noScanner === undefined ? 1 : 0);
  if (noScanner !== undefined) {
    logger.warn(
      { code: 'SCANNER_UNAVAILABLE', reason: noScanner },
      'events are decoded in JavaScript, several times slower: this machine cannot run the WebAssembly scanner, which needs 128-bit SIMD and some GiB of address space',
    );
  }

  const watching = watchRules(options, metrics);
  closers.push(() => watching.stop());

  const troubles = new Troubles();
  troubles.set('start', 'starting');
  const onStop = (): void => troubles.set('stop', 'stopping');
  stop.addEventListener('abort', onStop, { once: true });
  closers.push(() => stop.removeEventListener('abort', onStop));
  const problemOf =
    (of: 'source' | 'signals') =>
    (error: VigieError | undefined): void => {
      troubles.set(of, error);
      if (error !== undefined) metrics.sourceProblems.inc({ code: error.code });
    };
  try {
    const server = await startMetricsServer({
      registry: metrics.registry,
      notReady: () => troubles.reasons,
      onScrape: () => {
        metrics.ready.set(troubles.reasons.length === 0 ? 1 : 0);
        metrics.kafkaCertificate.set((options.certificateEndsMs?.() ?? 0) / 1000);
      },
      host: config.http_host,
      port: config.http_port,
    });
    closers.push(() => server.close());
    // Comes first: the embedded engine leaves nothing of standard input to whoever opens it later.
    const source = options.openSource(problemOf('source'));
    closers.push(() => source.close());
    // A file is there or fails; a consumer group has to be joined first.
    if (source.type === 'kafka') troubles.set('source', `joining the consumer group of ${source.name}`);
    const clickHouse = await openClickHouse({
      url: config.clickhouse_url,
      username: config.clickhouse_user,
      password: config.clickhouse_password,
      database: config.clickhouse_database,
      cluster: config.clickhouse_cluster,
      dataDir: config.data_dir,
    });
    const opened = await openSink({ config, clickHouse, metrics, logger, clock, troubles }, stop);
    closers.push(() => opened.close());
    let last: VigieError | undefined;
    closers.push(
      watchServer(clickHouse, (failure) => {
        troubles.set('database', failure);
        if (failure?.code !== last?.code) logDatabase(logger, failure);
        last = failure;
      }),
    );
    const store = new ClickHouseAlertStore(clickHouse, clock);
    if (clickHouse.kind === 'embedded') {
      const control = await startControl({
        dataDir: config.data_dir,
        store,
        command: options.command,
        clock,
      });
      closers.push(() => control.close());
    }
    const deadLetters = retryingDeadLetters(
      options.openDeadLetters?.() ?? new DeadLetterFile(join(config.data_dir, 'dead-letters.ndjson'), clock),
      {
        onRetry: tryingAgain({ metrics, logger, troubles }, 'dead letters', 'dead letters'),
        onRecovered: () => troubles.set('dead letters', undefined),
      },
    );
    closers.push(() => deadLetters.close());
    const goneRules = watchGoneRules(options, clickHouse, source, () => opened.isClear(), metrics, stop);
    closers.push(() => goneRules?.close());
    const telemetry = new Telemetry(metrics, logger, ruleSet, clock);
    closers.push(() => telemetry.ended());
    const inForce = (now: RuleSet): void => {
      watching.inForce(now);
      goneRules?.inForce(now);
    };
    const settings: ScaleOutOptions['pipeline'] = {
      source,
      sink: opened.sink,
      deadLetters,
      ruleSet,
      pseudonymKey: options.pseudonymKey,
      timestampField: config.timestamp_field,
      personFields: config.person_fields,
      maxEventBytes: config.max_event_bytes,
      mapping: options.mapping,
      latenessMs: config.lateness,
      maxFutureMs: config.max_future,
      idleTimeoutMs: config.idle_timeout,
      flushIntervalMs: config.flush_interval,
      archive: config.archive,
      isCanary: canaryMarks && ((...alert) => canaryMarks.areAll(...alert)),
      clock,
      observer: both(telemetry, {
        ...options.observer,
        assigned: (partitions) => goneRules?.assigned(partitions),
        rules: inForce,
      }),
    };
    // A file is read from its beginning each time.
    const snapshots =
      source.type === 'kafka' && config.snapshot_interval > 0
        ? {
            folder: config.state_dir ?? config.data_dir,
            intervalMs: config.snapshot_interval,
            pace: new SavingPace(clock),
            group: config.group,
          }
        : undefined;
    const reason = snapshots && whyUnwritable(snapshots.folder);
    // Reported now rather than at the first save, while somebody still remembers a folder that was not mounted.
    if (reason !== undefined) telemetry.snapshot({ kind: 'failed', code: 'STATE_UNWRITABLE', reason });
    const signals = options.openSignals?.(problemOf('signals'));
    if (signals !== undefined) {
      if (clickHouse.kind === 'embedded') {
        logger.warn(
          { code: 'SCALE_OUT_EMBEDDED', remedy: 'Set CLICKHOUSE_URL for more than one process.' },
          'groups are divided over processes, and the alerts of this one go to a database of its own',
        );
      }
      // In parallel: a broker that does not answer makes both wait.
      closers.push(async () => void (await Promise.all([signals.source.close(), source.close()])));
      closers.push(() => signals.topic.close());
      troubles.set('signals', `joining the consumer group of ${signals.source.name}`);
    }
    const pipeline =
      signals === undefined
        ? new Pipeline({
            ...settings,
            snapshots: snapshots && { ...snapshots, file: new SnapshotFile(join(snapshots.folder, 'state')) },
          })
        : await openScaleOut(
            {
              pipeline: settings,
              snapshots,
              signalsSource: signals.source,
              metrics,
              logger,
              alerts: options.observer?.alerts,
              onRules: inForce,
            },
            signals.topic,
            {
              stop,
              onRetry: tryingAgain({ metrics, logger, troubles }, 'signals', 'sending signals'),
              onRecovered: () => troubles.set('sending signals', undefined),
            },
          );
    watching.start(pipeline);
    troubles.set('start', undefined);
    options.onReady?.({ metricsPort: server.port, database: clickHouse.place });
    const summary = await pipeline.run(stop);
    await opened.drained(stop);
    await options.onEnd?.(store, summary);
    return summary;
  } catch (error) {
    // Stopping a start that waits for a server is no failure: nothing was read yet.
    if (!isAborted(error) || !troubles.has('start')) throw error;
    logger.info({ reason: error.message }, 'stopped before it was started');
    return newTally();
  } finally {
    // In reverse order and one by one, so that a failing one does not keep the others open.
    for (const close of closers.reverse()) {
      try {
        await close();
      } catch (error) {
        logger.error({ err: error }, 'closing failed');
      }
    }
  }
}

function isAborted(error: unknown): error is VigieError {
  return error instanceof VigieError && error.code === 'SINK_ABORTED';
}

function logDatabase(logger: Logger, failure: VigieError | undefined): void {
  if (failure === undefined) logger.info('ClickHouse answers again');
  else
    logger.warn(
      { code: failure.code, remedy: failure.remedy },
      `ClickHouse cannot be used: ${failure.message}`,
    );
}

/** Undefined for files written to a server: nothing says whose they are, and so whose rules are gone. */
function watchGoneRules(
  { config, ruleSet, logger }: ServiceOptions,
  clickHouse: ClickHouse,
  source: Source,
  isClear: () => boolean,
  metrics: Metrics,
  stop: AbortSignal,
): GoneRules | undefined {
  const ofTopic = source.type === 'kafka';
  if (!ofTopic && clickHouse.kind === 'server') return undefined;
  const record = new RuleRecord(clickHouse, ofTopic ? `${source.name} ${config.group}` : '');
  return new GoneRules({ record, ruleSet, isClear, metrics, logger, stop });
}
