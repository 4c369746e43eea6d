/**
 * Brings the database to the schema this release expects: numbered SQL files, applied once, in order.
 *
 * ClickHouse has no transactions over several statements, so every statement may run twice (IF NOT EXISTS, OR REPLACE),
 * and a file is recorded after its last statement: if interrupted, it is simply applied again, and two processes that
 * start together do no harm. An applied file must never change: its checksum is kept. If a table, a view or an added
 * column is gone, all files are applied again; therefore no file may drop a column that another adds. Of each view only
 * the last definition is created.
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
  /** Counts from 1, without gaps. */
  readonly number: number;
  readonly name: string;
  readonly sql: string;
}

export interface Migrated {
  /** Names of the migrations applied by this call. */
  readonly applied: readonly string[];
  /** Tables, views and columns (`table.column`) that somebody dropped; they were created again, empty. */
  readonly gone: readonly string[];
}

export const SCHEMA_MIGRATIONS = `CREATE TABLE IF NOT EXISTS {database}.schema_migrations
(number UInt32, name String, checksum String, applied_at DateTime64(3, 'UTC'))
ENGINE = ReplacingMergeTree(applied_at) ORDER BY number`;

/** More than all definitions take, and more than the free space that the engine demands for an insert. */
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
 * Applies what is missing. Returns the files applied by this call, and what had been dropped.
 *
 * Throws VigieError MIGRATION_CHANGED if the text of an applied file has changed, SCHEMA_NEWER if a newer release
 * already migrated this database, and failures of ClickHouse unchanged.
 */
export async function migrate(
  clickHouse: ClickHouse,
  clock: Clock,
  migrations?: readonly Migration[],
): Promise<Migrated> {
  const { client, database } = clickHouse;
  const wanted = migrations ?? (await readMigrations());
  // Checked first, because creating a database takes a right that the user of an existing one need not have.
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
      // A process that starts at the same time may be further along, and must not find an older release's view.
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
 * On a full disk the embedded engine accepts a definition but keeps an empty file of it, and can never open that folder
 * again. Throws CLICKHOUSE_DISK_FULL.
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

/** What these migrations create, but this user cannot see. */
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

/** The columns that a statement adds, as `table.column`. */
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

/** Splits at semicolons that end a line. */
export function statementsOf(sql: string): string[] {
  return sql
    .split(/;[ \t]*(?:\r?\n|$)/)
    .map((statement) => statement.trim())
    .filter((statement) => statement.replaceAll(/^--.*$/gm, '').trim() !== '');
}
