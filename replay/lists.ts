/**
 * The portal's lookup lists, as its directory would give them for the generated country: CSV with a header of event
 * fields; further columns of a list are numbers that rules scale by.
 *
 * Guarantee: rows are sorted and distinct. Accounts that an attacker creates and addresses that an attacker uses are in
 * no list except that of hosting companies.
 */

import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';

import { messageOf, VigieError } from '../src/errors.ts';
import { makeFolder } from '../src/make-folder.ts';
import type { Cast } from './cast.ts';
import { officeOf } from './places.ts';
import { HOSTING_AS_NUMBERS } from './session.ts';

/** Name of the list, without `.csv` → its text. */
export type LookupLists = Readonly<
  Record<'hosting_networks' | 'organisation_egress' | 'caseloads' | 'service_accounts', string>
>;

/** `sites`: organisations that share a site use its egress address. */
export function listsOfCast(cast: Cast, sites: boolean): LookupLists {
  const { accounts } = cast;
  const attended = accounts.filter(({ organisation }) => organisation.id !== '');
  const withCaseload = accounts.filter(({ role }) => role !== 'demandeur' && role !== 'helpdesk');
  return {
    hosting_networks: csv(
      'source.as.number',
      HOSTING_AS_NUMBERS.map((number) => `${number}`),
    ),
    organisation_egress: csv(
      'organization.id,source.ip',
      attended.map((account) => `${account.organisation.id},${officeOf(account, sites).ip}`),
    ),
    caseloads: csv(
      'user.id,persons',
      withCaseload.map(({ userId, caseloadSize }) => `${userId},${caseloadSize}`),
    ),
    service_accounts: csv(
      'user.id',
      accounts.flatMap(({ role, userId }) => (role === 'service' ? [userId] : [])),
    ),
  };
}

function csv(header: string, rows: readonly string[]): string {
  return `${[header, ...[...new Set(rows)].sort()].join('\n')}\n`;
}

/**
 * Writes each list to `NAME.csv` in a folder, which it creates with `mode` if necessary. Returns the paths. Throws
 * OUTPUT_FAILED.
 */
export async function writeLists(
  folder: string,
  lists: LookupLists,
  mode = 0o777,
): Promise<readonly string[]> {
  const files = Object.entries(lists).map(([name, text]) => ({ path: join(folder, `${name}.csv`), text }));
  try {
    makeFolder(folder, mode);
    for (const { path, text } of files) await writeFile(path, text);
  } catch (error) {
    throw new VigieError('OUTPUT_FAILED', `cannot write lists to ${folder}: ${messageOf(error)}`, {
      remedy: 'Check that the folder may be written to and has room.',
      cause: error,
    });
  }
  return files.map(({ path }) => path);
}
