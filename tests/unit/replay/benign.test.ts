import { describe, expect, it } from 'vitest';

import { Cast } from '../../../replay/cast.ts';
import { CONFOUNDER_NAMES } from '../../../replay/confounders.ts';
import { estimate, generate } from '../../../replay/index.ts';
import { Random } from '../../../replay/random.ts';
import { linesOf, personsOf } from './support.ts';

const WEEK = { accounts: 300, start: '2025-06-30T00:00:00+02:00', duration: '7d' };

/** What the first five professionals of a cast of that size do in four days, but for what is drawn in writing. */
function daysOfFirstFive(options: Readonly<Record<string, unknown>>): string[] {
  const cast = new Cast(Random.seeded('vigie'), {
    accounts: 5,
    jobseekers: 0,
    start: Date.parse(WEEK.start),
  });
  const ids = new Set(cast.accounts.map((account) => account.userId));
  const texts: string[] = [];
  for (const { key, text } of linesOf('benign', { ...WEEK, duration: '4d', ...options })) {
    if (ids.has(key)) texts.push(text.replace(/"id":"[0-9A-Z]{26}"/, '').replace(/"bytes":\d+/, ''));
  }
  return texts;
}

/** Confounders with an entry in the labels. */
function labelled(confounders: string): readonly string[] {
  const labels = generate('benign', { accounts: 1, confounders }).labels();
  return labels.confounders.map(({ name }) => name);
}

describe('the benign country', () => {
  it('writes in time order and within its span', () => {
    const start = Date.parse(WEEK.start);
    let last = start;
    for (const { time } of linesOf('benign', WEEK)) {
      if (time < last || time >= start + 7 * 86_400_000) expect.fail(new Date(time).toISOString());
      last = time;
    }
    expect(last).toBeGreaterThan(start + 6 * 86_400_000);
  });

  it('leaves accounts as they are when others are added', () => {
    const alone = daysOfFirstFive({ accounts: 5, jobseekers: 0 });
    expect(alone.length).toBeGreaterThan(10);
    expect(daysOfFirstFive({ accounts: 50, jobseekers: 200 })).toEqual(alone);
  });

  it('has nobody act without a session, and no event of a session before its login', () => {
    const open = new Set<string>();
    for (const { event, text } of linesOf('benign', { ...WEEK, confounderFactor: 20 })) {
      const id = event.portal?.session?.id;
      if (event.event!.action === 'login' && event.event!.outcome === 'success') open.add(id!);
      if (personsOf(event).length > 0 && !open.has(id ?? '')) expect.fail(text);
    }
    expect(open.size).toBeGreaterThan(500);
  });

  it('shows jobseekers themselves only, each their own person', () => {
    const owners = new Map<string, string>();
    let views = 0;
    for (const { event } of linesOf('benign', WEEK, '"roles":["demandeur"]')) {
      expect(event.organization).toBeUndefined();
      for (const person of personsOf(event)) {
        views++;
        const owner = owners.get(person) ?? event.user!.id!;
        expect(event.user!.id).toBe(owner);
        owners.set(person, owner);
      }
    }
    expect(owners.size).toBeGreaterThan(50);
    expect(new Set(owners.values()).size).toBe(owners.size);
    expect(views).toBeGreaterThan(owners.size);
  });

  it('tells on every event of a young account, and only on logins of others, when it was created', () => {
    let young = 0;
    for (const { event, time } of linesOf(
      'benign',
      { ...WEEK, accounts: 3000, duration: '2d' },
      'record-view',
    )) {
      const created = event.portal?.account?.created_at;
      if (created === undefined) continue;
      young++;
      expect(time - Date.parse(String(created))).toBeLessThan(91 * 86_400_000);
      expect(event.portal!.account!.created_by).toMatch(/^u-/);
    }
    expect(young).toBeGreaterThan(10);
  });

  it('is off on weekends, on public holidays, and overseas on those of the department', () => {
    // 27 May is one in Guadeloupe; 29 May 2025 (Ascension) everywhere; the 26th and 28th are working days.
    const perDay = new Map<string, number>();
    const options = { accounts: 3000, jobseekers: 0, start: '2025-05-26T00:00:00-04:00', duration: '4d' };
    for (const { event, time, key } of linesOf('benign', options, 'record-view')) {
      const date = new Date(time - 4 * 3_600_000).toISOString().slice(0, 10);
      const where = guadeloupeans.has(key) ? 'there' : 'elsewhere';
      perDay.set(`${where} ${date}`, (perDay.get(`${where} ${date}`) ?? 0) + personsOf(event).length);
    }
    const of = (key: string): number => perDay.get(key) ?? 0;
    expect(of('there 2025-05-26')).toBeGreaterThan(20);
    expect(of('there 2025-05-27')).toBeLessThan(0.2 * of('there 2025-05-26'));
    expect(of('elsewhere 2025-05-27')).toBeGreaterThan(0.5 * of('elsewhere 2025-05-26'));
    expect(of('elsewhere 2025-05-29')).toBeLessThan(0.05 * of('elsewhere 2025-05-28'));
  });

  it('estimates its number of events over a month with a declaration peak', () => {
    const options = { accounts: 300, duration: '28d' };
    let n = 0;
    for (const chunk of generate('benign', options).batches()) n += chunk.count;
    expect(Math.abs(estimate('benign', options).events / n - 1)).toBeLessThan(0.15);
  });

  it('labels every confounder that is switched on, and none that is not', () => {
    expect(labelled('all')).toEqual([...CONFOUNDER_NAMES]);
    expect(labelled('none')).toEqual([]);
    expect(labelled('new-hire, shared-egress')).toEqual(['shared-egress', 'new-hire']);
  });
});

const guadeloupeans = new Set(
  new Cast(Random.seeded('vigie'), {
    accounts: 3000,
    jobseekers: 0,
    start: Date.parse('2025-05-26T04:00:00Z'),
  }).accounts
    .filter(({ organisation }) => organisation.department === '971')
    .map(({ userId }) => userId),
);
