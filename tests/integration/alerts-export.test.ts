/** `vigie alerts export`: from an alert to the list of persons, on the real engine, alone and beside a running service. */

import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'csv-parse/sync';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertDetail, AlertView } from '../../src/sink/alert-store.ts';
import {
  cleanUp,
  listAlerts,
  parseLines,
  replayToFile,
  start,
  succeed,
  temporaryFolder,
  vigie,
} from '../support/cli.ts';
import type { Running } from '../support/cli.ts';
import { startClickHouse } from '../support/clickhouse.ts';
import { FEW_RULES } from '../support/programs.ts';
import { reads as recordViews } from '../support/record-views.ts';

const KEY = 'a2b9f01c55d34e86907f1be2c3d4a5f6';
const ENV = { VIGIE_ARCHIVE: 'true', VIGIE_ARCHIVE_DAYS: '0', VIGIE_PSEUDONYM_KEY: KEY };
/** Most of it is the start of processes. */
const SLOW = { timeout: 60_000 };

afterAll(cleanUp);

type Row = Readonly<Record<string, string>>;

function rowsOf(csv: string): Row[] {
  return parse(csv, { columns: true });
}

/** Of an organisation whose name is a formula. */
function reads(account: string, count: number, records: object = {}): string {
  return recordViews(account, count, {
    event: { organization: { id: '130', name: '=cmd|calc' } },
    records: { sensitivity: ['nir'], ...records },
  });
}

async function show(dataDir: string, id: string): Promise<AlertDetail> {
  return JSON.parse(await succeed(['alerts', '--data-dir', dataDir, 'show', id, '--json'])) as AlertDetail;
}

describe('after the theft of July 2025', SLOW, () => {
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const log = join(folder, 'log.ndjson');
  let alerts: AlertView[];
  /** Persons whom the thief read, by hand from the log. */
  const stolen = new Set<string>();

  beforeAll(async () => {
    const { incidents } = await replayToFile(
      'kairos-2025',
      log,
      '--accounts 100 --records 3000 --window 30s',
    );
    const events = parseLines<{
      user?: { id: string };
      '@timestamp': string;
      portal?: { records?: { ids?: string[] } };
    }>(readFileSync(log, 'utf8'));
    const [theft] = incidents;
    for (const { user, portal, '@timestamp': time } of events) {
      if (!theft!.accounts.includes(user?.id ?? '') || time < theft!.firstRead!.time) continue;
      for (const id of portal?.records?.ids ?? []) stolen.add(id);
    }
    await succeed(['run', '--input', log, '--data-dir', dataDir], ENV);
    alerts = await listAlerts(dataDir);
  }, 120_000);

  test.each([
    ['of a critical threshold', /^Mass extraction by one account \(500/],
    ['of an organisation', /^Mass extraction by one organisation/],
    ['of a sum of records', /^Record volume/],
    ['over four weeks', /^Low and slow/],
  ])('the alert %s has as many persons in its list as it counts', async (_what, title) => {
    const alert = alerts.find((each) => title.test(each.title))!;
    expect(alert).toMatchObject({ personsEstimated: false });
    const { code, stdout, stderr } = await vigie(
      ['alerts', '--data-dir', dataDir, 'export', alert.alertId],
      ENV,
    );
    const rows = rowsOf(stdout);
    expect({ code, persons: rows.length }).toEqual({ code: 0, persons: alert.persons });
    expect(new Set(rows.map(({ pseudonym }) => pseudonym)).size).toBe(alert.persons);
    expect(stderr).not.toMatch(/the alert counts|INCOMPLETE/);
  });

  test('the ids that the key gives back are those that the thief read', async () => {
    const alert = alerts.find(({ title }) => title.startsWith('Mass extraction by one account (500'))!;
    const list = join(folder, 'portal.txt');
    writeFileSync(list, [...stolen, 'somebody else'].join('\n'));
    const csv = await succeed(
      ['alerts', '--data-dir', dataDir, 'export', alert.alertId, '--resolve', list],
      ENV,
    );
    expect(new Set(rowsOf(csv).map(({ id }) => id))).toEqual(stolen);
  });

  test('a chain of rules counts no persons itself: the reads that led to it are listed', async () => {
    const chain = alerts.find(({ title }) => title.startsWith('Several weak signals'))!;
    expect(chain.persons).toBe(0);
    const { code, stdout, stderr } = await vigie(
      ['alerts', '--data-dir', dataDir, 'export', chain.alertId],
      ENV,
    );
    expect({ code, some: rowsOf(stdout).length > 0 }).toEqual({ code: 0, some: true });
    expect(stderr).toContain('counts no persons');
  });
});

describe('beside a run that holds the data folder', SLOW, () => {
  const folder = temporaryFolder();
  const dataDir = join(folder, 'data');
  const alerts = ['alerts', '--data-dir', dataDir];
  const list = join(folder, 'portal.txt');
  let running: Running;
  let alert: AlertView;

  beforeAll(async () => {
    running = start(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir], ENV);
    running.stdin.write(reads('u-1', 200) + reads('u-2', 20));
    await running.message('alert opened');
    // The alert as it stands, and all that is archived.
    await running.message('running');
    for (;;) {
      const found = (await listAlerts(dataDir)).find(({ persons }) => persons === 200);
      if (found !== undefined) {
        alert = found;
        break;
      }
    }
    writeFileSync(list, `${Array.from({ length: 190 }, (_, n) => `p-${n}`).join('\r\n')}\nnobody\n`);
  }, 120_000);

  test('the list is that of the alert’s reads, on record before it leaves, and the same when the folder is free', async () => {
    const csv = await succeed(
      [
        ...alerts,
        'export',
        alert.alertId.slice(0, 10),
        '--rules',
        FEW_RULES,
        '--by',
        'dpo',
        '--reason',
        '72 h',
      ],
      ENV,
    );
    const rows = rowsOf(csv);
    expect(rows).toHaveLength(200);
    expect(rows[3]).toEqual({
      pseudonym: expect.stringMatching(/^[0-9a-f]{16}$/),
      reads: '1',
      first_read: '2025-07-12T21:00:03.000Z',
      last_read: '2025-07-12T21:00:03.000Z',
      applications: 'kairos',
      organisations: "'=cmd|calc",
      categories: 'nir',
    });
    const { actions, state } = await show(dataDir, alert.alertId);
    expect(state).toBe('new');
    expect(actions).toMatchObject([
      { action: 'export', actor: 'dpo', reason: '72 h', persons: 200, identified: 0 },
    ]);
    expect(await succeed([...alerts, 'show', alert.alertId])).toContain(
      'dpo: export of 200 persons, without their ids: 72 h\n',
    );

    running.stdin.end();
    expect(await running.ended).toMatchObject({ code: 0 });
    expect(await succeed([...alerts, 'export', alert.alertId, '--rules', FEW_RULES], ENV)).toBe(csv);
  });

  test('--resolve adds the portal’s ids, keeps who is not in its list, and says how many', async () => {
    const { code, stdout, stderr } = await vigie(
      [...alerts, 'export', alert.alertId, '--rules', FEW_RULES, '--resolve', list, '--json'],
      ENV,
    );
    const persons = parseLines<{ id: string; firstRead: string }>(stdout);
    expect(code).toBe(0);
    expect(persons.map(({ id }) => id)).toEqual(
      Array.from({ length: 200 }, (_, n) => (n < 190 ? `p-${n}` : '')),
    );
    expect(stderr).toContain(`10 of them are not in ${list}`);
    expect((await show(dataDir, alert.alertId)).actions.at(-1)).toMatchObject({
      persons: 200,
      identified: 190,
    });
  });

  test('under another key nobody is found, which is said, and no list leaves', async () => {
    const before = (await show(dataDir, alert.alertId)).actions.length;
    const { code, stdout, stderr } = await vigie(
      [...alerts, 'export', alert.alertId, '--rules', FEW_RULES, '--resolve', list],
      { ...ENV, VIGIE_PSEUDONYM_KEY: '0'.repeat(32) },
    );
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(
      /^vigie: NOBODY_RESOLVED: none of the 200 persons .*another key\n {2}Give the key that was/,
    );
    expect((await show(dataDir, alert.alertId)).actions).toHaveLength(before);
  });

  test('--to makes a file of the owner alone, and replaces none unless that is asked for', async () => {
    const to = join(folder, 'persons.csv');
    const command = [...alerts, 'export', alert.alertId, '--rules', FEW_RULES, '--to', to];
    expect(await succeed(command, ENV)).toBe('');
    expect(rowsOf(readFileSync(to, 'utf8'))).toHaveLength(200);
    expect(statSync(to).mode & 0o777).toBe(0o600);
    writeFileSync(to, 'mine');
    const { code, stderr } = await vigie(command, ENV);
    expect(code).toBe(1);
    expect(stderr).toMatch(/^vigie: OUTPUT_EXISTS: .*\n {2}.*--force/);
    expect(readFileSync(to, 'utf8')).toBe('mine');
    await succeed([...command, '--force'], ENV);
    expect(rowsOf(readFileSync(to, 'utf8'))).toHaveLength(200);
    expect(rowsOf(await succeed([...command.slice(0, -1), '-'], ENV))).toHaveLength(200);
    expect(existsSync('-')).toBe(false);
  });

  test('a rule that is gone is named, and all reads of the group can be taken instead', async () => {
    const other = ['--rules', `${FEW_RULES}/portal-record-read.yml`];
    const { code, stdout, stderr } = await vigie([...alerts, 'export', alert.alertId, ...other], ENV);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toMatch(/^vigie: ALERT_RULE_GONE: .*\n {2}.*--all-reads/);
    const csv = await succeed([...alerts, 'export', alert.alertId, '--all-reads'], ENV);
    expect(rowsOf(csv)).toHaveLength(200);
  });
});

test('the list is the same from a server', SLOW, async () => {
  const server = await startClickHouse();
  try {
    const env = {
      ...ENV,
      CLICKHOUSE_URL: server.url,
      CLICKHOUSE_USER: server.username ?? '',
      CLICKHOUSE_PASSWORD: server.password ?? '',
      CLICKHOUSE_DATABASE: `vigie_export_${process.pid}`,
    };
    const place = ['--data-dir', temporaryFolder()];
    await succeed(['run', '--input', '-', '--rules', FEW_RULES, ...place], env, reads('u-1', 200));
    const [alert] = parseLines<AlertView>(await succeed(['alerts', 'list', '--json'], env));
    const csv = await succeed(['alerts', 'export', alert!.alertId, '--rules', FEW_RULES], env);
    expect(alert).toMatchObject({ persons: 200, personsEstimated: false });
    expect(rowsOf(csv)).toHaveLength(200);
  } finally {
    await server.stop();
  }
});

describe('where the archive cannot say who was read', SLOW, () => {
  test.each([
    ['it is off', {}, { VIGIE_ARCHIVE: 'false' }, 'ARCHIVE_EMPTY', /VIGIE_ARCHIVE=true.*VIGIE_ARCHIVE_DAYS/],
    ['the log has no ids', { ids: undefined, count: 20 }, {}, 'PERSONS_UNKNOWN', /portal\.records\.ids/],
  ])(
    'because %s, that is an error, and an empty list is not printed',
    async (_why, records, env, code, remedy) => {
      const dataDir = temporaryFolder();
      const to = join(dataDir, 'persons.csv');
      const settings = { ...ENV, ...env };
      await succeed(
        ['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir],
        settings,
        reads('u-1', 200, records),
      );
      const [alert] = await listAlerts(dataDir);
      const ended = await vigie(
        ['alerts', '--data-dir', dataDir, 'export', alert!.alertId, '--rules', FEW_RULES, '--to', to],
        settings,
      );
      expect(ended).toMatchObject({ code: 1, stdout: '' });
      expect(ended.stderr).toMatch(new RegExp(`^vigie: ${code}: `));
      expect(ended.stderr).toMatch(remedy);
      expect(existsSync(to)).toBe(false);
      expect((await show(dataDir, alert!.alertId)).actions).toEqual([]);
    },
  );

  test('records without an id are said beside the persons that there are', async () => {
    const dataDir = temporaryFolder();
    await succeed(
      ['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir],
      ENV,
      reads('u-1', 200, { count: 4 }),
    );
    const [alert] = await listAlerts(dataDir, '--level', 'high');
    const { code, stderr } = await vigie(
      ['alerts', '--data-dir', dataDir, 'export', alert!.alertId, '--rules', FEW_RULES],
      ENV,
    );
    expect(code).toBe(0);
    expect(stderr).toContain('600 records have no person id');
  });
});
