import { describe, expect, it } from 'vitest';

import { generate, listsOf } from '../../../replay/index.ts';
import { linesOf } from './support.ts';

const OPTIONS = { accounts: 4000, duration: '2d', confounderFactor: 3 };

/** Rows of a list as sets of their text, without the header. */
function rowsOf(text: string, header: string): readonly string[] {
  const [first, ...rows] = text.trimEnd().split('\n');
  expect(first).toBe(header);
  expect(rows).toEqual([...new Set(rows)].sort());
  return rows;
}

/** Most organisations that leave by one address. */
function shared(confounders: string): number {
  const rows = listsOf('benign', { ...OPTIONS, confounders })
    .organisation_egress.trim()
    .split('\n');
  const organisations = new Map<string, number>();
  for (const row of rows) {
    const ip = row.split(',')[1]!;
    organisations.set(ip, (organisations.get(ip) ?? 0) + 1);
  }
  return Math.max(...organisations.values());
}

describe('the lookup lists of a scenario', () => {
  const lists = listsOf('benign', OPTIONS);
  const egress = new Set(rowsOf(lists.organisation_egress, 'organization.id,source.ip'));
  const caseloads = new Map(
    rowsOf(lists.caseloads, 'user.id,persons').map((row) => row.split(',') as [string, string]),
  );
  const services = new Set(rowsOf(lists.service_accounts, 'user.id'));
  const hosting = new Set(rowsOf(lists.hosting_networks, 'source.as.number'));

  it('hold the accounts, offices and networks that its events show', () => {
    const roles = new Map<string, Set<boolean>>();
    let logins = 0;
    let fromOffice = 0;
    let fromHosting = 0;
    for (const { event } of linesOf('benign', OPTIONS, '"action":"login"')) {
      const role = String(event.user!.roles);
      const listed = caseloads.has(event.user!.id!);
      roles.set(role, (roles.get(role) ?? new Set()).add(listed));
      if (role === 'service') expect(services).toContain(event.user!.id!);
      if (role === 'demandeur') continue;
      logins++;
      if (egress.has(`${event.organization!.id},${event.source!.ip}`)) fromOffice++;
      if (hosting.has(String(event.source!.as!.number))) fromHosting++;
    }
    expect([...roles.get('demandeur')!]).toEqual([false]);
    expect([...roles.get('helpdesk')!]).toEqual([false]);
    for (const role of ['conseiller', 'conseiller_mission_locale', 'of_gestionnaire', 'service']) {
      expect([role, ...roles.get(role)!]).toEqual([role, true]);
    }
    expect(services.size).toBe(2);
    // 78 % of logins are from the office, 0.5 % through a hosting company; 5 standard deviations either way.
    expect(Math.abs(fromOffice / logins - 0.78)).toBeLessThan(5 * Math.sqrt((0.78 * 0.22) / logins));
    expect(Math.abs(fromHosting / logins - 0.005)).toBeLessThan(5 * Math.sqrt(0.005 / logins));
  });

  it('know the account that an incident abuses, and none that the attacker makes', () => {
    const options = { accounts: 100, records: 100 };
    const generated = generate('missions-locales-2025', options);
    for (const _ of generated.batches());
    const [manager, ...readers] = generated.labels().incidents[0]!.accounts;
    const { caseloads: text } = listsOf('missions-locales-2025', options);
    expect(text).toContain(`\n${manager},`);
    for (const reader of readers) expect(text).not.toContain(reader);
  });

  it('show the address of a shared site only where organisations share sites', () => {
    expect(shared('none')).toBeLessThan(4);
    expect(shared('shared-egress')).toBeGreaterThan(20);
  });
});
