/**
 * `vigie run --input -` as a live process: alerts are there while events still come in, operators work on them
 * beside it, and a second process is told plainly why it cannot start.
 */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { AlertDetail } from '../../src/sink/alert-store.ts';
import { cleanUp, listAlerts, start, succeed, temporaryFolder, until, vigie } from '../support/cli.ts';
import type { Running } from '../support/cli.ts';
import { FEW_RULES } from '../support/programs.ts';
import { reads, START } from '../support/record-views.ts';

afterAll(cleanUp);

test('an input that ends before the database is open is read whole', async () => {
  const dataDir = temporaryFolder();
  const { stderr } = await vigie(
    ['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir],
    {},
    reads('u-1', 150),
  );
  expect(stderr).toContain('150 events: 150 accepted');
  expect(await listAlerts(dataDir)).toHaveLength(1);
});

test('a run of which no rule raises an alert says so, instead of being silent for ever', async () => {
  const rules = join(temporaryFolder(), 'reads.yml');
  writeFileSync(
    rules,
    'title: read\nname: read\nlogsource: {category: portal}\ndetection: {sel: {event.action: record-view}, condition: sel}\n',
  );
  const { stderr, code } = await vigie(
    ['run', '--input', '-', '--rules', rules, '--data-dir', temporaryFolder()],
    {},
    reads('u-1', 1),
  );
  expect(code).toBe(0);
  expect(stderr).toContain('"code":"NO_ALERTS"');
});

test('a run that was given other person fields than the one of the vocabulary says whose ids it stores', async () => {
  const args = ['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', temporaryFolder()];
  const { stderr, code } = await vigie(args, { VIGIE_PERSON_FIELDS: 'portal.target.id' }, reads('u-1', 1));
  expect(code).toBe(0);
  const line = stderr.split('\n').find((each) => each.includes('"PERSON_IDS_STORED"'));
  expect(JSON.parse(line!)).toMatchObject({
    msg: expect.stringContaining('portal.records.ids'),
    remedy: expect.stringContaining('VIGIE_PERSON_FIELDS=portal.target.id,portal.records.ids'),
  });
  const both = { VIGIE_PERSON_FIELDS: 'portal.target.id, portal.records.ids' };
  expect((await vigie(args, both, reads('u-1', 1))).stderr).not.toContain('PERSON_IDS_STORED');
});

describe('while standard input stays open', () => {
  test('an alert is stored within two seconds of its crossing event', async () => {
    const dataDir = temporaryFolder();
    const running = start(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir]);
    await running.address();
    const waitedMs: number[] = [];
    for (const account of ['u-1', 'u-2', 'u-3']) {
      running.stdin.write(reads(account, 149));
      await delay(700);
      const before = running.logs.length;
      running.stdin.write(reads(account, 1, { from: 149 }));
      const writtenAt = Date.now();
      const { time, ...alert } = await running.logged(
        (line) => line.msg.startsWith('alert opened') && running.logs.indexOf(line) >= before,
      );
      // Logged after ClickHouse acknowledged it, by the clock of this machine.
      waitedMs.push(Date.parse(time) - writtenAt);
      const listed = await listAlerts(dataDir, '--status', 'firing');
      expect(listed.find(({ alertId }) => alertId === alert['alertId'])).toMatchObject({
        group: { 'user.id': account },
        value: 150,
        persons: 150,
        recordsBeforeAlert: 150,
        crossedAt: START + 149_000,
        timeToDetectMs: 149_000,
      });
    }
    const [, median] = waitedMs.toSorted((a, b) => a - b);
    expect(median).toBeLessThan(2000);
    running.stdin.end();
    expect(await running.ended).toMatchObject({ code: 0 });
  }, 120_000);

  test('SIGTERM ends the run with what was read stored', async () => {
    const dataDir = temporaryFolder();
    const running = start(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir]);
    await running.address();
    running.stdin.write(reads('u-1', 400));
    await running.message('alert opened');
    running.stdin.write(reads('u-1', 5, { from: 400 }));
    await until(async () => (await running.metric('vigie_events_consumed_total')) === 405);
    expect(await running.signal('SIGTERM')).toMatchObject({ code: 0, signal: null });
    expect(await listAlerts(dataDir)).toMatchObject([{ status: 'firing', value: 405, persons: 405 }]);
  }, 120_000);
});

test('SIGTERM in the middle of a file ends the run cleanly, and says that the rest was not read', async () => {
  const input = join(temporaryFolder(), 'log.ndjson');
  writeFileSync(input, reads('u-1', 100_000));
  const running = start(['run', '--input', input, '--rules', FEW_RULES, '--data-dir', temporaryFolder()]);
  await until(async () => ((await running.metric('vigie_events_consumed_total')) ?? 0) > 0);
  expect(await running.signal('SIGTERM')).toMatchObject({ code: 0 });
  const unfinished = () => running.logs.filter(({ code }) => code === 'INPUT_UNFINISHED');
  expect(unfinished()).toMatchObject([{ source: input, msg: expect.stringContaining('from its beginning') }]);
  writeFileSync(input, reads('u-1', 10));
  const { stderr } = await vigie(['run', '-i', input, '-r', FEW_RULES, '-d', temporaryFolder()]);
  expect(stderr).not.toContain('INPUT_UNFINISHED');
}, 60_000);

describe('beside a run that holds the data folder', () => {
  const dataDir = temporaryFolder();
  const alerts = ['alerts', '--data-dir', dataDir];
  let running: Running;

  beforeAll(async () => {
    running = start(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir]);
    running.stdin.write(reads('u-1', 200) + reads('u-2', 160));
    await running.logged(() => running.logs.filter(({ msg }) => msg.startsWith('alert opened')).length >= 2);
  }, 120_000);

  test('operators list, show, acknowledge and close alerts, and it stays on record', async () => {
    const [first, second] = await listAlerts(dataDir, '--state', 'new');
    const show = async (id: string): Promise<AlertDetail> =>
      JSON.parse(await succeed([...alerts, 'show', id, '--json'])) as AlertDetail;
    expect(await show(first!.alertId.slice(0, 8))).toMatchObject({ alertId: first!.alertId, actions: [] });

    const named = ['list', '--json', '--rule', 'mass_extraction_account_high'];
    const ofRule = await succeed([...alerts, ...named], { VIGIE_RULES: FEW_RULES });
    expect(ofRule.trim().split('\n')).toHaveLength(2);
    const misspelt = ['list', '--rule', 'mass_extraction_acount_high'];
    expect(await vigie([...alerts, ...misspelt], { VIGIE_RULES: FEW_RULES })).toMatchObject({
      stdout: 'no alerts\n',
      stderr: expect.stringContaining(
        '"mass_extraction_acount_high"; did you mean "mass_extraction_account_high"?',
      ),
    });
    expect(await vigie([...alerts, ...misspelt], { VIGIE_RULES: join(dataDir, 'nowhere') })).toMatchObject({
      stdout: 'no alerts\n',
      stderr: expect.stringContaining(join(dataDir, 'nowhere')),
    });

    await succeed([...alerts, 'ack', first!.alertId, '--by', 'anne']);
    await succeed([...alerts, 'close', second!.alertId, '--by', 'bob', '--reason', 'an export we know']);
    expect(await listAlerts(dataDir, '--state', 'new')).toEqual([]);
    expect(await show(first!.alertId)).toMatchObject({
      state: 'acknowledged',
      actions: [{ action: 'acknowledge', actor: 'anne' }],
    });

    running.stdin.write(reads('u-1', 10, { from: 200 }));
    running.stdin.end();
    expect(await running.ended).toMatchObject({ code: 0 });
    const state = ({ alertId }: { alertId: string }): unknown =>
      alertId === first!.alertId ? 'acknowledged' : 'closed';
    const after = await listAlerts(dataDir);
    expect(after).toHaveLength(2);
    for (const alert of after) expect(alert.state).toBe(state(alert));
    expect(after.find(({ closedBy }) => closedBy === 'bob')?.closeReason).toBe('an export we know');

    // As in `while read id; do vigie alerts …; done < ids`: the rest of the list is not the command's.
    const ids = after.map(({ alertId }) => `${alertId}\n`).join('');
    await succeed([...alerts, 'comment', first!.alertId, '--by', 'anne', '--reason', 'called back'], {}, ids);
    expect((await show(first!.alertId)).actions.map(({ action }) => action)).toEqual([
      'acknowledge',
      'comment',
    ]);
  }, 120_000);
});

describe('a second run', () => {
  test('on the same data folder, or the same port, says who is in the way and what to do', async () => {
    const dataDir = temporaryFolder();
    const running = start(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir]);
    const { port } = new URL(await running.address());

    const [sameFolder, samePort] = await Promise.all([
      vigie(['run', '--input', '-', '--rules', FEW_RULES, '--data-dir', dataDir]),
      vigie(['run', '--input', '-', '--data-dir', temporaryFolder(), '--http-port', port]),
    ]);
    expect(sameFolder.code).toBe(1);
    expect(sameFolder.stderr).toContain('vigie: DATA_DIR_BUSY: ');
    expect(sameFolder.stderr).toContain(dataDir);
    expect(sameFolder.stderr).toContain('vigie run');
    expect(sameFolder.stderr).toContain('VIGIE_DATA_DIR');
    expect(samePort.code).toBe(1);
    expect(samePort.stderr).toContain(`vigie: PORT_IN_USE: port ${port}`);
    expect(samePort.stderr).toContain('VIGIE_HTTP_PORT');

    // The one that was there first goes on undisturbed.
    expect((await running.get('/readyz')).status).toBe(200);
    running.stdin.write(reads('u-1', 150));
    await running.message('alert opened');
    running.stdin.end();
    expect(await running.ended).toMatchObject({ code: 0 });
  }, 120_000);
});
