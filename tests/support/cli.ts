/**
 * The real command line in its own processes, as a newcomer runs it, for end-to-end tests.
 *
 * Guarantee: no setting of the machine reaches them, and `cleanUp` ends those still running and removes their folders.
 */

import { spawn } from 'node:child_process';
import type { ChildProcessByStdio } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Labels } from '../../replay/labels.ts';
import type { AlertView } from '../../src/sink/alert-store.ts';
import type { DeadLetterLine } from '../../src/sink/dead-letter-file.ts';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const MAIN = join(ROOT, 'src', 'cli', 'main.ts');
/** The same options as the usual ways to start it. */
const NODE_OPTIONS = ['--max-semi-space-size=16'];
const QUERY = join(ROOT, 'tests', 'support', 'query-data-folder.ts');

export type Env = Readonly<Record<string, string>>;

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A line of the service's log. */
export type LogLine = Readonly<Record<string, unknown>> & { readonly msg: string; readonly time: string };

const folders: string[] = [];
const running = new Set<ChildProcessByStdio<Writable, Readable, Readable>>();
const killAll = (): void => {
  for (const child of running) child.kill('SIGKILL');
};
process.on('exit', killAll);

export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-e2e-'));
  folders.push(folder);
  return folder;
}

export async function cleanUp(): Promise<void> {
  const exits = [...running].map((child) => once(child, 'exit'));
  killAll();
  await Promise.all(exits);
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
}

/** A running command that the test observes. */
export class Running {
  readonly stdin: Writable;
  readonly pid: number;
  readonly logs: LogLine[] = [];
  readonly ended: Promise<Ended>;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #waiting = new Set<() => void>();
  #stdout = '';
  #stderr = '';
  #parsed = 0;
  #over = false;

  constructor(script: string, args: readonly string[], env: Env) {
    const child = spawn(process.execPath, [...NODE_OPTIONS, script, ...args], {
      cwd: ROOT,
      env: { ...neutralEnvironment(), VIGIE_HTTP_PORT: '0', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    running.add(child);
    this.#child = child;
    this.stdin = child.stdin;
    this.pid = child.pid!;
    // A process that was killed, or has read enough, closes its end; only how it ended matters.
    child.stdin.on('error', () => undefined);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      this.#stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => this.#read(text));
    this.ended = once(child, 'close').then(([code, signal]) => {
      running.delete(child);
      this.#over = true;
      for (const wake of this.#waiting) wake();
      return {
        code: code as number | null,
        signal: signal as NodeJS.Signals | null,
        stdout: this.#stdout,
        stderr: this.#stderr,
      };
    });
  }

  /** The first matching line of the log, whenever it came. Throws if the process ends without it. */
  async logged(fits: (line: LogLine) => boolean): Promise<LogLine> {
    for (;;) {
      const found = this.logs.find(fits);
      if (found !== undefined) return found;
      if (this.#over)
        throw new Error(`ended without the awaited line in its log:\n${this.#stderr.slice(-3000)}`);
      await new Promise<void>((wake) => {
        const once = (): void => {
          this.#waiting.delete(once);
          wake();
        };
        this.#waiting.add(once);
      });
    }
  }

  message(start: string): Promise<LogLine> {
    return this.logged(({ msg }) => msg.startsWith(start));
  }

  /** Resolves once it is about to read its source, with the base URL of its HTTP port. */
  async address(): Promise<string> {
    const { metrics } = await this.message('running');
    return String(metrics).replace(/\/metrics$/, '');
  }

  async get(path: string): Promise<{ status: number; text: string }> {
    const response = await fetch(`${await this.address()}${path}`);
    return { status: response.status, text: await response.text() };
  }

  /** Sum over all labels of a metric; undefined while it has no value. */
  async metric(name: string): Promise<number | undefined> {
    const { text } = await this.get('/metrics');
    const values = [...text.matchAll(new RegExp(`^${name}(?:\\{[^}]*\\})? (\\S+)$`, 'gm'))];
    return values.length === 0 ? undefined : values.reduce((sum, [, value]) => sum + Number(value), 0);
  }

  signal(name: NodeJS.Signals): Promise<Ended> {
    this.#child.kill(name);
    return this.ended;
  }

  #read(text: string): void {
    this.#stderr += text;
    for (;;) {
      const end = this.#stderr.indexOf('\n', this.#parsed);
      if (end < 0) break;
      const line = this.#stderr.slice(this.#parsed, end);
      this.#parsed = end + 1;
      if (line.startsWith('{')) this.logs.push(JSON.parse(line) as LogLine);
    }
    for (const wake of this.#waiting) wake();
  }
}

/** Starts `vigie` with these arguments. Its HTTP port is a free one unless `env` says otherwise. */
export function start(args: readonly string[], env: Env = {}): Running {
  return new Running(MAIN, args, env);
}

/** Polls until `holds`; the test's own timeout is the limit. */
export async function until(holds: () => Promise<boolean>, everyMs = 100): Promise<void> {
  while (!(await holds())) await delay(everyMs);
}

/** Runs `vigie` to its end, however it ends. */
export function vigie(
  args: readonly string[],
  env: Env = {},
  input: string | Uint8Array = '',
): Promise<Ended> {
  const child = start(args, env);
  child.stdin.end(input);
  return child.ended;
}

/** Runs `vigie` and returns its standard output. Throws unless it succeeds. */
export async function succeed(args: readonly string[], env: Env = {}, input = ''): Promise<string> {
  const { code, signal, stdout, stderr } = await vigie(args, env, input);
  if (code !== 0) throw new Error(`vigie ${args.join(' ')} ended with ${code ?? signal}:\n${stderr}`);
  return stdout;
}

/** Writes a scenario to a file with `vigie replay` and returns its labels. `options` as one would type them. */
export async function replayToFile(scenario: string, path: string, options: string): Promise<Labels> {
  await succeed(['replay', scenario, '--to', path, ...options.split(' ')]);
  return JSON.parse(readFileSync(`${path}.labels.json`, 'utf8')) as Labels;
}

/** The current alerts as an operator lists them, sorted by id. */
export async function listAlerts(dataDir: string, ...filters: string[]): Promise<AlertView[]> {
  const args = ['alerts', '--data-dir', dataDir, 'list', '--json', '--limit', '100000', ...filters];
  return parseLines<AlertView>(await succeed(args)).toSorted(byAlertId);
}

/** Rows of a query on the embedded database of a data folder that no process holds. */
export async function query<Row>(dataDir: string, sql: string): Promise<Row[]> {
  const child = new Running(QUERY, [dataDir, sql], {});
  const { code, stdout, stderr } = await child.ended;
  if (code !== 0) throw new Error(`the query failed: ${sql}\n${stderr}`);
  return parseLines<Row>(stdout);
}

/** The newest row of every alert, including merged ones, as the columns of the table. */
export function alertRows(dataDir: string): Promise<Record<string, unknown>[]> {
  return query(dataDir, 'SELECT * FROM vigie.alerts FINAL ORDER BY alert_id');
}

/** Without what differs between databases: the wall time of the detection. */
export function undated(rows: readonly Readonly<Record<string, unknown>>[]): Record<string, unknown>[] {
  return rows.map(({ detected_at: _column, detectedAt: _property, ...row }) => row);
}

/** What must not depend on the order of arrival: everything but ids, wall time and samples. */
export function substance(alerts: readonly AlertView[]): Record<string, unknown>[] {
  const crossings = new Map(alerts.map((alert) => [alert.alertId, crossingOf(alert)]));
  return alerts
    .toSorted((a, b) => (crossingOf(a) < crossingOf(b) ? -1 : 1))
    .map(
      ({
        alertId: _id,
        detectedAt: _at,
        notifyBy: _by,
        sampleEventIds: _samples,
        inhibitedBy,
        ...alert
      }) => ({
        ...alert,
        inhibitedBy: crossings.get(inhibitedBy) ?? inhibitedBy,
      }),
    );
}

export function deadLetters(dataDir: string): DeadLetterLine[] {
  const path = join(dataDir, 'dead-letters.ndjson');
  return existsSync(path) ? parseLines<DeadLetterLine>(readFileSync(path, 'utf8')) : [];
}

export function parseLines<T>(text: string): T[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as T);
}

function crossingOf({ rule, group, crossedAt }: AlertView): string {
  return `${rule} ${JSON.stringify(group)} ${crossedAt}`;
}

function byAlertId(a: AlertView, b: AlertView): number {
  return a.alertId < b.alertId ? -1 : 1;
}

function neutralEnvironment(): NodeJS.ProcessEnv {
  return Object.fromEntries(
    Object.entries(process.env).filter(([name]) => !/^(?:VIGIE|KAFKA|CLICKHOUSE)_/.test(name)),
  );
}
