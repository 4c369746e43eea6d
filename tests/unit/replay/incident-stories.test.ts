/** What happens before the reads, in which order, and what of it belongs to whom. */

import { describe, expect, it } from 'vitest';

import type { IncidentLabels } from '../../../replay/index.ts';
import { generate } from '../../../replay/index.ts';
import type { Line } from './support.ts';
import { linesOf, personsOf } from './support.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

interface Told {
  readonly lines: readonly Line[];
  readonly labels: IncidentLabels;
  readonly isMalicious: (line: Line) => boolean;
}

function tell(name: string, options: Readonly<Record<string, unknown>>): Told {
  const generated = generate(name, options);
  for (const _ of generated.batches());
  const labels = generated.labels().incidents[0]!;
  const known = new Set([...labels.malicious.sessions, ...labels.malicious.eventIds]);
  return {
    lines: [...linesOf(name, options)],
    labels,
    isMalicious: ({ event }) =>
      known.has(event.portal?.session?.id ?? '') || known.has(event.event?.id ?? ''),
  };
}

const actionOf = ({ event }: Line): string => `${event.event!.action} ${event.event!.outcome}`;
const ipOf = ({ event }: Line): string => event.source!.ip!;

/** Small enough to read through. */
const SMALL = { accounts: 0, records: 3000, recordsPerEvent: 10 };

describe('every incident', () => {
  const thefts = [
    'cap-emploi-2024',
    'dgfip-2026',
    'ficoba-2026',
    'gael-2026',
    'jobseeker-infostealer-2025',
    'kairos-2025',
    'missions-locales-2025',
    'viamedis-almerys-2024',
  ];

  it.each(thefts)(
    '%s is labelled completely: accounts, addresses, sessions, events, first and last',
    (name) => {
      const options = { accounts: 0, records: 300 };
      const { lines, labels, isMalicious } = tell(name, options);
      const malicious = lines.filter(isMalicious);
      const reads = malicious.filter(({ event }) => personsOf(event).length > 0);
      expect(malicious.length).toBe(labels.events);
      expect(reads.length).toBe(labels.reads);
      expect(new Set(reads.flatMap(({ event }) => personsOf(event))).size).toBe(labels.persons);
      expect(labels.firstEvent!.id).toBe(malicious[0]!.event.event!.id);
      expect(labels.lastEvent!.id).toBe(malicious.at(-1)!.event.event!.id);
      expect(labels.firstRead!.id).toBe(reads[0]!.event.event!.id);
      expect(labels.lastRead!.id).toBe(reads.at(-1)!.event.event!.id);
      const attackers = malicious.filter((line) => !actionOf(line).startsWith('password-reset'));
      expect(new Set(attackers.map(ipOf))).toEqual(new Set(labels.sources));
      const inSessions = attackers.filter((line) => actionOf(line) !== 'login failure');
      expect(new Set(inSessions.map(({ key }) => key))).toEqual(new Set(labels.accounts));
    },
  );

  it.each(thefts)('%s abuses accounts that were at work for weeks, from networks they never used', (name) => {
    const options = { accounts: 20, records: 200, history: '21d' };
    const { lines, labels, isMalicious } = tell(name, options);
    const first = Date.parse(labels.firstEvent!.time);
    expect(first - lines[0]!.time).toBeGreaterThan(20 * DAY);
    const before = lines.filter(({ key, time }) => labels.accounts.includes(key) && time < first);
    expect(before.length).toBeGreaterThan(20);
    expect(before.some(isMalicious)).toBe(false);
    const usual = new Set(before.map((line) => `${line.key} ${ipOf(line)}`));
    const abused = lines.filter((line) => isMalicious(line) && labels.accounts.includes(line.key));
    expect(abused.some((line) => usual.has(`${line.key} ${ipOf(line)}`))).toBe(false);
  });
});

describe('cap-emploi-2024', () => {
  const { lines, labels, isMalicious } = tell('cap-emploi-2024', SMALL);

  it.each([0, 1])('runs, on account %i: wrong passwords, reset, login elsewhere, owner too, reads', (i) => {
    const account = labels.accounts[i]!;
    const own = lines.filter(({ key, event }) => key === account || event.user!.target?.id === account);
    const failures = own.filter((line) => actionOf(line) === 'login failure');
    const reset = own.find((line) => actionOf(line) === 'password-reset success')!;
    const attacker = own.find((line) => actionOf(line) === 'login success' && isMalicious(line))!;
    const owner = own.find((line) => actionOf(line) === 'login success' && !isMalicious(line))!;
    const read = own.find(({ event }) => personsOf(event).length > 0)!;
    expect(failures.length).toBeGreaterThan(10);
    expect(failures.length).toBeLessThan(50);
    expect(failures.at(-1)!.time).toBeLessThan(reset.time);
    expect(reset.time).toBeLessThan(attacker.time);
    expect(attacker.time).toBeLessThan(owner.time);
    expect(owner.time).toBeLessThan(read.time);
    expect(read.time - reset.time).toBeLessThan(DAY);
    expect(ipOf(attacker)).not.toBe(ipOf(owner));
  });

  it('has the passwords reset by an operator of the helpdesk', () => {
    const resets = lines.filter((line) => actionOf(line) === 'password-reset success');
    expect(resets.length).toBe(2);
    for (const { event } of resets) {
      expect(event.user!.roles).toEqual(['helpdesk']);
      expect(event.portal!.reset).toEqual({ channel: 'helpdesk', operator: event.user!.id });
      expect(labels.accounts).not.toContain(event.user!.id);
    }
  });

  it('shows each account in two places within half an hour', () => {
    for (const account of labels.accounts) {
      const own = lines.filter((line) => line.key === account && actionOf(line) !== 'login failure');
      const mine = own.filter((line) => !isMalicious(line));
      const together = mine.some((line) =>
        own.some((other) => isMalicious(other) && Math.abs(other.time - line.time) < 30 * MINUTE),
      );
      expect(together).toBe(true);
    }
  });
});

describe('dgfip-2026', () => {
  const { lines, labels, isMalicious } = tell('dgfip-2026', { accounts: 0, records: 20_000 });
  const resets = new Map(
    lines
      .filter((line) => actionOf(line) === 'password-reset success')
      .map(({ event, time }) => [event.user!.target!.id!, time]),
  );

  it('has half of the passwords reset while the theft goes on, by honest people', () => {
    expect(resets.size).toBe(24);
    const last = lines.findLast(({ time }) => time < lines[0]!.time + 3 * DAY)!.time;
    expect(Math.max(...resets.values())).toBeLessThan(last);
    expect(lines.filter((line) => actionOf(line).startsWith('password-reset')).some(isMalicious)).toBe(false);
  });

  it('reads on after the reset, and a month later, in sessions that were opened before it', () => {
    for (const [account, resetAt] of resets) {
      const after = lines.filter((line) => line.key === account && line.time > resetAt);
      expect(after.length).toBeGreaterThan(10);
      expect(after.at(-1)!.time).toBeGreaterThan(resetAt + 25 * DAY);
      for (const { event } of after) {
        expect(Date.parse(String(event.portal!.session!.started_at))).toBeLessThan(resetAt);
      }
    }
  });

  it('logs in again for the second wave where no password was reset', () => {
    const late = lines.filter((line) => line.time > lines[0]!.time + 20 * DAY);
    const again = late.filter((line) => actionOf(line) === 'login success').map(({ key }) => key);
    expect(again.sort()).toEqual(labels.accounts.filter((account) => !resets.has(account)).sort());
  });

  it('can leave out the second wave', () => {
    const { lines: one } = tell('dgfip-2026', { accounts: 0, records: 500, secondWave: 0 });
    expect(one.at(-1)!.time - one[0]!.time).toBeLessThan(DAY);
  });
});

describe('missions-locales-2025', () => {
  it.each(['own', 'foreign'] as const)(
    'grants to accounts of the %s organisation when told so',
    (grantees) => {
      const { lines } = tell('missions-locales-2025', { ...SMALL, grantees });
      const grants = lines.filter((line) => /^(account-create|habilitation-grant)/.test(actionOf(line)));
      expect(grants.length).toBe(10);
      for (const { event } of grants) {
        const same = event.portal!.account!.organization_id === event.organization!.id;
        expect(same).toBe(grantees === 'own');
      }
      const readers = new Set(lines.filter(({ event }) => personsOf(event).length > 0).map(({ key }) => key));
      const organisations = lines
        .filter(({ key }) => readers.has(key))
        .map(({ event }) => event.organization!.id);
      expect(new Set(organisations)).toEqual(
        new Set(grants.map(({ event }) => event.portal!.account!.organization_id)),
      );
    },
  );
});

describe('jobseeker-infostealer-2025', () => {
  it('opens every account by a login from the address that reads, or by a session its owner opened', () => {
    const { lines, labels, isMalicious } = tell('jobseeker-infostealer-2025', { accounts: 0, records: 400 });
    for (const account of labels.accounts) {
      const own = lines.filter((line) => line.key === account && actionOf(line) !== 'login failure');
      const reads = own.filter((line) => isMalicious(line) && personsOf(line.event).length > 0);
      const session = reads[0]!.event.portal!.session!.id;
      const login = own.find((line) => line.event.portal!.session!.id === session)!;
      expect(actionOf(login)).toBe('login success');
      expect(login.time).toBeLessThan(reads[0]!.time);
      expect(reads.map(({ event }) => event.event!.action)).toEqual([
        'record-view',
        'document-download',
        'document-download',
        'document-download',
      ]);
      const stolen = ipOf(login) !== ipOf(reads[0]!);
      expect(isMalicious(login)).toBe(!stolen);
    }
  });
});
