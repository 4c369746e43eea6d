/**
 * Brings the database to the schema this program expects: numbered SQL files, applied once, in order.
 *
 * ClickHouse has no transaction over several statements, so every statement may run twice (IF NOT EXISTS,
 * OR REPLACE) and a file is recorded after its last one: stopped half way, it is simply applied again, and two
 * processes that start together do no harm. A file that was applied must never change: its checksum is kept.
 * Where a table, a view or an added column of theirs is gone, all are applied again; so none drops a column that
 * another adds. Of a view only the last definition is made.
 */

import { createHash } from 'node:crypto';
import { readdir, readFile, statfs } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import type { ClickHouse } from './client.ts';
import { ddlOf } from './ddl.ts';
import { insertRows, selectRows } from './json-rows.ts';

export interface Migration {
  /** From 1, without gaps. */
  readonly number: number;
  /** File name. */
  readonly name: string;
  readonly sql: string;
}

export interface Migrated {
  /** Names of the migrations that were applied now. */
  readonly applied: readonly string[];
  /** Tables, views and columns (`table.column`) that somebody took away: they are there again, empty. */
  readonly gone: readonly string[];
}

export const SCHEMA_MIGRATIONS = `CREATE TABLE IF NOT EXISTS {database}.schema_migrations
(number UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC'))
ENGINE = ReplacingMergeTree(applied_at) ORDER BY number`;

/** More than all definitions take, and than the engine wants to be free for an insert. */
const ROOM_BYTES = 4 * 1024 * 1024;
const MIGRATIONS_FOLDER = fileURLToPath(new URL('migrations/', import.meta.url));

/** The migrations in a folder, in order. Throws on a gap or a misnamed file, which are defects of a release. */
export async function readMigrations(folder = MIGRATIONS_FOLDER): Promise<Migration[]> {
  const names = (await readdir(folder)).filter((name) => name.endsWith('.sql')).sort();
  return Promise.all(
    names.map(async (name, index) => {
      if (Number(/^(\d{4})-[a-z0-9-]+\.sql$/.exec(name)?.[1]) !== index + 1) {
        throw new Error(`migration ${name} is not number ${index + 1} of the form NNNN-name.sql`);
      }
      return { number: index + 1, name, sql: await readFile(`${folder}/${name}`, 'utf8') };
    }),
  );
}

/**
 * Applies what is missing and returns the names of the files applied now.
 *
 * Throws VigieError MIGRATION_CHANGED when an applied file has another text now, SCHEMA_NEWER when a newer
 * program already migrated this database; failures of ClickHouse as they come.
 */
export async function migrate(
  clickHouse: ClickHouse,
  clock: Clock,
  migrations?: readonly Migration[],
): Promise<Migrated> {
  const { client, database } = clickHouse;
  const wanted = migrations ?? (await readMigrations());
  // Asked first, because creating it takes a right that a user of an existing database need not have.
  const [found] = await selectRows<{ n: string | number }>(
    clickHouse,
    'SELECT count() AS n FROM system.databases WHERE name = {name:String}',
    { name: database },
  );
  if (Number(found?.n ?? 0) === 0) {
    await requireRoom(clickHouse);
    await client.command({ query: ddlOf('CREATE DATABASE IF NOT EXISTS {database}', clickHouse) });
  }
  await client.command({ query: ddlOf(SCHEMA_MIGRATIONS, clickHouse) });
  const rows = await selectRows<{ number: number; name: string; checksum: string }>(
    clickHouse,
    `SELECT number, name, checksum FROM ${database}.schema_migrations FINAL ORDER BY number`,
    {},
  );
  const applied = new Map(rows.map((row) => [row.number, row]));
  checkApplied(clickHouse, wanted, applied);

  const isApplied = ({ number }: Migration): boolean => applied.has(number);
  const gone = await goneOf(clickHouse, wanted.filter(isApplied));
  const missing = gone.length === 0 ? wanted.filter((migration) => !isApplied(migration)) : wanted;
  if (missing.length > 0) await requireRoom(clickHouse);
  const views = new Map(missing.flatMap(({ number, sql }) => viewsOf(sql).map((view) => [view, number])));
  const appliedNow: string[] = [];
  for (const migration of missing) {
    for (const statement of statementsOf(migration.sql)) {
      // Who starts at the same time may be further, and must not meet a view of an earlier release.
      if (viewsOf(statement).some((view) => views.get(view)! > migration.number)) continue;
      await client.command({ query: ddlOf(statement, clickHouse) });
    }
    await insertRows(clickHouse, 'schema_migrations', [
      {
        number: migration.number,
        name: migration.name,
        checksum: checksumOf(migration),
        applied_at: clock.now(),
      },
    ]);
    appliedNow.push(migration.name);
  }
  return { applied: appliedNow, gone };
}

/**
 * On a full disk the embedded engine takes a definition, keeps an empty file of it, and never opens that folder again.
 * Throws CLICKHOUSE_DISK_FULL.
 */
async function requireRoom({ kind, place }: ClickHouse): Promise<void> {
  if (kind !== 'embedded') return;
  const { bavail, bsize } = await statfs(place);
  if (bavail * bsize >= ROOM_BYTES) return;
  throw new VigieError('CLICKHOUSE_DISK_FULL', `there is no room for tables at ${place}`, {
    remedy: 'Free space on the disk of the ClickHouse data; writing resumes by itself.',
    retryable: true,
  });
}

/** What they make and is not there, as far as this user sees. */
async function goneOf(clickHouse: ClickHouse, migrations: readonly Migration[]): Promise<string[]> {
  const tables = await selectRows<{ name: string }>(
    clickHouse,
    'SELECT name FROM system.tables WHERE database = {name:String}',
    { name: clickHouse.database },
  );
  const columns = await selectRows<{ name: string }>(
    clickHouse,
    `SELECT concat(table, '.', name) AS name FROM system.columns WHERE database = {name:String}`,
    { name: clickHouse.database },
  );
  const there = new Set([...tables, ...columns].map(({ name }) => name));
  const made = new Set(migrations.flatMap(({ sql }) => [...tablesOf(sql), ...viewsOf(sql)]));
  const added = new Set(migrations.flatMap(({ sql }) => statementsOf(sql).flatMap(columnsOf)));
  return [
    ...[...made].filter((name) => !there.has(name)),
    ...[...added].filter((name) => !there.has(name) && there.has(name.split('.')[0]!)),
  ];
}

/** Those that a statement adds, as `table.column`. */
function columnsOf(statement: string): string[] {
  const [, table] = /^ALTER TABLE \{database\}\.(\w+)/m.exec(statement) ?? [];
  return [...statement.matchAll(/\bADD COLUMN IF NOT EXISTS (\w+)/g)].map(([, name]) => `${table}.${name}`);
}

function tablesOf(sql: string): string[] {
  return [...sql.matchAll(/^CREATE TABLE IF NOT EXISTS \{database\}\.(\w+)/gm)].map(([, name]) => name!);
}

function viewsOf(sql: string): string[] {
  return [...sql.matchAll(/^CREATE OR REPLACE VIEW \{database\}\.(\w+)/gm)].map(([, name]) => name!);
}

function checkApplied(
  clickHouse: ClickHouse,
  wanted: readonly Migration[],
  applied: ReadonlyMap<number, { name: string; checksum: string }>,
): void {
  const newest = Math.max(0, ...applied.keys());
  if (newest > wanted.length) {
    throw new VigieError(
      'SCHEMA_NEWER',
      `database ${clickHouse.database} at ${clickHouse.place} is at migration ${newest} (${applied.get(newest)?.name}), this program knows ${wanted.length}`,
      { remedy: 'Run the newer release of Vigie, or use another CLICKHOUSE_DATABASE.' },
    );
  }
  for (const migration of wanted) {
    const row = applied.get(migration.number);
    if (row === undefined || (row.checksum === checksumOf(migration) && row.name === migration.name))
      continue;
    throw new VigieError(
      'MIGRATION_CHANGED',
      `migration ${migration.name} is not the ${row.name} that was applied to database ${clickHouse.database}`,
      { remedy: 'Restore the file of the release that applied it; changes go into a new file.' },
    );
  }
}

function checksumOf(migration: Migration): string {
  return createHash('sha256').update(migration.sql).digest('hex');
}

/** Statements end with a semicolon at the end of a line. */
export function statementsOf(sql: string): string[] {
  return sql
    .split(/;[ \t]*(?:\r?\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/^--.*$/gm, '').trim() !== '');
}
