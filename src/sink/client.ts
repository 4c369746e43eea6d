/**
 * The only way to ClickHouse: `@clickhouse/client`, which speaks HTTP(S) to a server if there is a URL, and otherwise
 * to an engine inside this process on a local folder. Everything above sees the same client and the same SQL.
 *
 * While it is open, the embedded engine allows one folder per process and one process per folder.
 */

import { access, constants, readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ClickHouseLogLevel, createClient } from '@clickhouse/client';
import type { ClickHouseClient, ClickHouseClientConfigOptions } from '@clickhouse/client';
import { messageOf, VigieError } from '../errors.ts';
import { makeFolder } from '../make-folder.ts';
import { emptyStandardInput } from '../source/standard-input.ts';
import { ownerOf } from './control-client.ts';

export interface ClickHouseOptions {
  /** A server, `http(s)://host:port`. Without it the embedded engine is opened on `dataDir`. */
  readonly url?: string | undefined;
  readonly username?: string | undefined;
  readonly password?: string | undefined;
  /** Name of the database that holds the tables. */
  readonly database: string;
  /** For a server: the cluster whose servers all get the tables and share the rows. */
  readonly cluster?: string | undefined;
  /** Folder of the embedded engine and of the files beside it. Not used with a URL. */
  readonly dataDir: string;
  /** How long one request to a server may take, ms. Default 30,000. */
  readonly requestTimeoutMs?: number | undefined;
}

export interface ClickHouse {
  readonly client: ClickHouseClient;
  readonly kind: 'server' | 'embedded';
  readonly database: string;
  readonly cluster: string | undefined;
  /** For messages: the URL without credentials, or the folder. */
  readonly place: string;
  /** Flushes and, when embedded, releases the folder. */
  close(): Promise<void>;
}

/** The part of `chdb/connection` that is used. */
export type ChdbModule = Pick<typeof import('chdb/connection'), 'createChdbConnection'>;

/** The folder below the data folder in which the embedded engine keeps its files. */
export function enginePath(dataDir: string): string {
  return join(resolve(dataDir), 'clickhouse');
}

/** Aliases of migrations: in their scope, ClickHouse takes a database of that name for the alias. */
const TAKEN_NAMES: ReadonlySet<string> = new Set(['m', 'merges']);

/**
 * Opens a client. A server is not contacted yet; a folder is locked at once.
 *
 * Throws VigieError: CONFIG_INVALID (database name, cluster or URL), CHDB_MISSING, DATA_DIR_BUSY, DATA_DIR_UNUSABLE.
 */
export async function openClickHouse(
  options: ClickHouseOptions,
  importChdb: () => Promise<ChdbModule> = () => import('chdb/connection'),
): Promise<ClickHouse> {
  // The name becomes part of SQL text, so it must be a plain identifier.
  if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(options.database)) {
    throw new VigieError('CONFIG_INVALID', `${JSON.stringify(options.database)} is no database name`, {
      remedy: 'Set CLICKHOUSE_DATABASE to letters, digits and underscores, not starting with a digit.',
    });
  }
  if (TAKEN_NAMES.has(options.database)) {
    throw new VigieError(
      'CONFIG_INVALID',
      `a database cannot be called ${options.database}, because views use that name`,
      {
        remedy: 'Set CLICKHOUSE_DATABASE to another name.',
      },
    );
  }
  if (options.cluster !== undefined && !/^[\w.{}-]+$/.test(options.cluster)) {
    throw new VigieError('CONFIG_INVALID', `${JSON.stringify(options.cluster)} is no name of a cluster`, {
      remedy: 'Set CLICKHOUSE_CLUSTER to a name from system.clusters, or to the macro {cluster}.',
    });
  }
  return options.url === undefined ? openEmbedded(options, importChdb) : openServer(options, options.url);
}

/**
 * Settings that the statements here rely on, and that a user's profile or its compatibility with an older server may
 * change. With nulls from joins, an alert without actions would have no state; without the analyzer there are no
 * recursive queries.
 */
const AS_BY_DEFAULT = {
  join_use_nulls: 0,
  aggregate_functions_null_for_empty: 0,
  // The old name, which servers before 24.8 know as well.
  allow_experimental_analyzer: 1,
  data_type_default_nullable: 0,
  output_format_json_named_tuples_as_objects: 1,
} as const;

function openServer(options: ClickHouseOptions, url: string): ClickHouse {
  const parsed = URL.parse(url);
  if (parsed === null || !/^https?:$/.test(parsed.protocol)) {
    // The URL may hold a password, so the message does not repeat it.
    throw new VigieError('CONFIG_INVALID', 'the ClickHouse URL is not of the form http(s)://host:port', {
      remedy: 'Set CLICKHOUSE_URL to, for example, http://clickhouse:8123.',
    });
  }
  const client = createClient({
    url,
    ...(options.username === undefined ? {} : { username: options.username }),
    ...(options.password === undefined ? {} : { password: options.password }),
    application: 'vigie',
    request_timeout: options.requestTimeoutMs ?? 30_000,
    clickhouse_settings: AS_BY_DEFAULT,
    // Failures are thrown, and the caller reports them; a second report on the console helps nobody.
    log: { level: ClickHouseLogLevel.OFF },
  });
  return {
    client,
    kind: 'server',
    database: options.database,
    cluster: options.cluster,
    place: `${parsed.protocol}//${parsed.host}`,
    close: () => client.close(),
  };
}

async function openEmbedded(
  options: ClickHouseOptions,
  importChdb: () => Promise<ChdbModule>,
): Promise<ClickHouse> {
  const path = enginePath(options.dataDir);
  const chdb = await loadChdb(importChdb);
  try {
    makeFolder(path);
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (error) {
    throw unusable(path, messageOf(error), error);
  }
  // The engine would read the process's standard input as rows of its next insert.
  emptyStandardInput();
  let connection;
  for (let polls = 0; connection === undefined; polls += 1) {
    polls = await waitForBriefHolder(options.dataDir, path, polls);
    try {
      connection = inUtc(() => chdb.createChdbConnection({ path }));
    } catch (error) {
      const holder = await lockHolder(path);
      const waited = polls >= BRIEFLY.polls;
      // By the end of the wait a live holder has written its process id; if none has, this engine itself failed.
      const nobody = holder === SOMEBODY ? waited : typeof holder === 'number' && !isAlive(holder);
      if (holder === undefined || nobody) throw unusable(path, messageOf(error), error);
      // Otherwise another waiter was faster: wait on.
      if (holder === SELF || waited) throw dataDirBusy(options.dataDir, holder, error);
    }
  }
  const client = createClient({
    // Typed against the engine's own copy of the client's types: the same interface from another path.
    connection: connection as unknown as NonNullable<ClickHouseClientConfigOptions['connection']>,
    log: { level: ClickHouseLogLevel.OFF },
  });
  return {
    client,
    kind: 'embedded',
    database: options.database,
    cluster: undefined,
    place: path,
    close: () => client.close(),
  };
}

/** The engine does not start in a time zone that it does not know; all statements here use UTC. */
function inUtc<T>(work: () => T): T {
  const { TZ } = process.env;
  process.env['TZ'] = 'UTC';
  try {
    return work();
  } finally {
    if (TZ === undefined) delete process.env['TZ'];
    else process.env['TZ'] = TZ;
  }
}

async function loadChdb(importChdb: () => Promise<ChdbModule>): Promise<ChdbModule> {
  try {
    return await importChdb();
  } catch (error) {
    throw new VigieError(
      'CHDB_MISSING',
      `the embedded ClickHouse engine cannot be loaded: ${messageOf(error)}`,
      {
        remedy:
          'Install the optional package "chdb" (npm install chdb; Linux with glibc or macOS), or set CLICKHOUSE_URL to use a server.',
        cause: error,
      },
    );
  }
}

/** Holders that are not given by a process id. */
const SOMEBODY = 'another process';
const SELF = 'this process, which opened it before';

/** For an operator's command, which holds the folder for a second, or a service that does not answer yet. */
const BRIEFLY = { polls: 50, everyMs: 100 };

/**
 * Waits while a living process holds the engine's lock without answering. Throws DATA_DIR_BUSY if it answers: asked
 * beforehand because the engine, refused its lock, also complains on standard error. `polls`: how many were used
 * before. Returns how many are used now.
 */
async function waitForBriefHolder(dataDir: string, path: string, polls: number): Promise<number> {
  for (let poll = polls; ; poll += 1) {
    const owner = await ownerOf(dataDir).catch(() => undefined);
    if (owner !== undefined && owner.pid !== process.pid) {
      throw dataDirBusy(dataDir, `process ${owner.pid} (${owner.command})`);
    }
    const holder = await lockHolder(path);
    const held = typeof holder === 'number' ? isAlive(holder) : holder === SOMEBODY;
    if (!held || poll >= BRIEFLY.polls) return poll;
    await sleep(BRIEFLY.everyMs);
  }
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    // Another user's process.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/** The error for a data folder that another process has open; `holder` is its process id or a description. */
function dataDirBusy(dataDir: string, holder: number | string, cause?: unknown): VigieError {
  const who = typeof holder === 'number' ? `process ${holder}` : holder;
  return new VigieError('DATA_DIR_BUSY', `the data folder ${resolve(dataDir)} is in use by ${who}`, {
    remedy:
      'Stop that process, give this one another folder with VIGIE_DATA_DIR, or share a server with CLICKHOUSE_URL.',
    cause,
  });
}

/** The process that holds the engine's lock file, as far as the file tells; undefined if there is none. */
async function lockHolder(path: string): Promise<number | string | undefined> {
  let status: string;
  try {
    status = await readFile(join(path, 'status'), 'utf8');
  } catch {
    return undefined;
  }
  const pid = Number(/^PID: (\d+)/m.exec(status)?.[1]);
  if (!Number.isSafeInteger(pid)) return SOMEBODY;
  return pid === process.pid ? SELF : pid;
}

function unusable(path: string, reason: string, cause: unknown): VigieError {
  return new VigieError('DATA_DIR_UNUSABLE', `the data folder ${path} cannot be opened: ${reason}`, {
    remedy:
      'See that the folder exists, is writable for this user and has free space, or set VIGIE_DATA_DIR.',
    cause,
  });
}
