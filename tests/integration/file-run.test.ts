/**
 * `vigie run --input FILE`: the alerts are a function of the events. Reading a file again, being killed at any
 * moment, disorder within the lateness and copies change none of them.
 */

import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import {
  alertRows,
  cleanUp,
  listAlerts,
  query,
  replayToFile,
  start,
  substance,
  succeed,
  temporaryFolder,
  undated,
} from '../support/cli.ts';
import type { LogLine, Running } from '../support/cli.ts';
import { FEW_RULES, QUICK_READS } from '../support/programs.ts';

/** Small enough for every figure of an alert to be exact. */
const THEFT = '--accounts 100 --records 8000 --window 3m';
const MESSY = '--disorder 0.3 --max-delay 9m --duplicates 0.1';
const ENV = { VIGIE_LATENESS: '10m' };

const folder = temporaryFolder();
const clean = join(folder, 'clean.ndjson');
const messy = join(folder, 'messy.ndjson');
const undisturbed = join(folder, 'undisturbed');
const run = (input: string, dataDir: string): string[] => [
  'run',
  '--input',
  input,
  '--data-dir',
  dataDir,
  '--rules',
  FEW_RULES,
  // Its short pauses let late events join episodes.
  QUICK_READS,
];

/** One that opens and resolves within one batch is logged as resolved only. */
const alertLine = ({ msg }: LogLine): boolean => msg.startsWith('alert ');

const about = (title: string) => (running: Running) =>
  running.logged((line) => alertLine(line) && line.msg.includes(title));
const alerts = (count: number) => (running: Running) =>
  running.logged(() => running.logs.filter(alertLine).length >= count);

const MOMENTS: readonly ((running: Running) => Promise<LogLine>)[] = [
  // The key is made, the database is not.
  (running) => running.message('made a pseudonym key'),
  (running) => running.message('running'),
  alerts(1),
  alerts(100),
  alerts(300),
  about('Mass extraction by one account (500'),
  about('Record volume'),
];

beforeAll(async () => {
  await replayToFile('kairos-2025', clean, THEFT);
  await replayToFile('kairos-2025', messy, `${THEFT} ${MESSY}`);
  await succeed(run(messy, undisturbed), ENV);
}, 120_000);

afterAll(cleanUp);

describe('a file', () => {
  test('read twice gives the same rows once, with the time of the first detection', async () => {
    const once = await alertRows(undisturbed);
    expect(once.length).toBeGreaterThan(400);
    expect(new Set(once.map(({ status }) => status))).toEqual(new Set(['resolved', 'merged']));
    await succeed(run(messy, undisturbed), ENV);
    expect(await alertRows(undisturbed)).toEqual(once);
    // Where both writings of a row are still apart, they are the same row.
    expect(
      await query(
        undisturbed,
        'SELECT alert_id, version FROM vigie.alerts GROUP BY alert_id, version HAVING uniqExact(toString(tuple(* EXCEPT detected_at))) > 1',
      ),
    ).toEqual([]);
  }, 120_000);

  test('of which the reader was killed at many moments ends with the rows of an undisturbed run', async () => {
    const dataDir = join(folder, 'killed');
    const firstSeen = new Map<unknown, number>();
    for (const moment of MOMENTS) {
      const running = start(run(messy, dataDir), ENV);
      await moment(running);
      expect(await running.signal('SIGKILL')).toMatchObject({ signal: 'SIGKILL' });
      for (const { alertId, time } of running.logs.filter(alertLine)) {
        if (!firstSeen.has(alertId)) firstSeen.set(alertId, Date.parse(time));
      }
    }
    await succeed(run(messy, dataDir), ENV);

    const rows = await alertRows(dataDir);
    expect(undated(rows)).toEqual(undated(await alertRows(undisturbed)));
    expect(firstSeen.size).toBeGreaterThan(200);
    for (const { alert_id, detected_at } of rows) {
      const seen = firstSeen.get(alert_id);
      if (seen !== undefined) expect(Date.parse(`${String(detected_at)}Z`)).toBeLessThanOrEqual(seen);
    }
  }, 120_000);

  test('out of order within the lateness and with copies gives the alerts of the tidy file', async () => {
    const dataDir = join(folder, 'clean');
    await succeed(run(clean, dataDir), ENV);
    const tidy = substance(await listAlerts(dataDir));
    expect(tidy.length).toBeGreaterThan(400);
    expect(substance(await listAlerts(undisturbed))).toEqual(tidy);
  }, 120_000);
});
