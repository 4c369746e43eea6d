/** What is known about a list of affected persons: how it compares with the alert, and whether anybody is missing. */

import { VigieError } from '../errors.ts';
import { count, instant, plural } from '../figures.ts';
import type { AlertDetail } from '../sink/alert-store.ts';
import type { ArchiveSpan } from '../sink/archive-reads.ts';
import type { AffectedPersons } from './affected-persons.ts';

export interface Facts {
  readonly alert: Pick<
    AlertDetail,
    | 'alertId'
    | 'status'
    | 'mergedInto'
    | 'ruleHash'
    | 'firstEventAt'
    | 'persons'
    | 'personsEstimated'
    | 'records'
  >;
  readonly archive: ArchiveSpan | null;
  readonly affected: Pick<AffectedPersons, 'count' | 'reads' | 'first' | 'last' | 'withoutId'>;
  /** True for reads of the alert's rule, false for all reads of its group. */
  readonly isByRule: boolean;
}

/**
 * An estimate that exceeds the list by less than this share does not mean that anybody is missing: six standard errors.
 */
const ESTIMATE_ERROR = 0.05;

/** One line. */
export function summaryOf({ alert, affected }: Facts): string {
  const { persons, personsEstimated } = alert;
  const differs = persons !== affected.count && persons > 0;
  const own = differs ? `; the alert counts ${personsEstimated ? 'about ' : ''}${count(persons)}` : '';
  return `${plural(affected.count, 'person')}, ${plural(affected.reads, 'read')}, from ${instant(affected.first)} to ${instant(affected.last)}${own}`;
}

/** Most accounts that are named. */
const NAMED = 20;

/** The accounts that made the reads, busiest first; undefined if the alert names the only one, or none is known. */
export function accountsText(
  { group }: Pick<AlertDetail, 'group'>,
  { accounts }: Pick<AffectedPersons, 'accounts'>,
): string | undefined {
  const busiest = [...accounts].sort(([a, m], [b, n]) => n - m || (a < b ? -1 : 1));
  const [first] = busiest;
  if (first === undefined || (busiest.length === 1 && Object.values(group).includes(first[0])))
    return undefined;
  const named = busiest
    .slice(0, NAMED)
    .map(([account, reads], i) => `${account} (${i > 0 ? count(reads) : plural(reads, 'read')})`);
  const more = busiest.length > NAMED ? ` and ${count(busiest.length - NAMED)} more` : '';
  return `read by ${plural(busiest.length, 'account')}: ${named.join(', ')}${more}`;
}

/** True if the alert counts persons who are not listed, or began before the archive. */
export function isIncomplete({ alert, archive, affected }: Facts): boolean {
  return beginsLate(alert, archive) || lacksPersons(alert, affected);
}

/** Warnings for readers who would take the list for complete, one line each. */
export function remarks(facts: Facts): string[] {
  const { alert, archive, affected, isByRule } = facts;
  const all: string[] = [];
  if (affected.withoutId > 0)
    all.push(
      affected.withoutId === 1
        ? '1 record has no person id in the log: nobody can be listed for it'
        : `${count(affected.withoutId)} records have no person id in the log: nobody can be listed for them`,
    );
  if (beginsLate(alert, archive))
    all.push(
      `INCOMPLETE: the archive begins at ${instant(archive!.oldest)}, after the alert's first event at ${instant(alert.firstEventAt)}: earlier ones were not archived (VIGIE_ARCHIVE) or are deleted (VIGIE_ARCHIVE_DAYS)`,
    );
  if (lacksPersons(alert, affected))
    all.push(
      'INCOMPLETE: the alert counts more persons than the archive gives: some of its events were not archived (VIGIE_ARCHIVE), are deleted (VIGIE_ARCHIVE_DAYS) or are still on their way, or lookup lists have changed since',
    );
  if (isByRule && alert.persons === 0)
    all.push(
      'the alert itself counts no persons, but what other rules found: listed are the reads that led to that; alerts of those rules may go on longer (vigie alerts list --who ACCOUNT)',
    );
  if (isByRule && alert.ruleHash === '')
    all.push('the alert was stored by a release that did not keep which version of its rule found it');
  if (alert.status === 'firing') all.push('the alert goes on: export it again when it is resolved');
  if (alert.status === 'merged')
    all.push(`the alert was merged into ${alert.mergedInto}, which covers more: export that one`);
  return all;
}

/** Why nobody is listed. Never claims that nobody was affected, unless the alert itself says so. */
export function nothingToList({
  alert: { alertId, persons, records },
  archive,
  affected: { withoutId },
  isByRule,
}: Pick<Facts, 'alert' | 'archive' | 'isByRule'> & {
  readonly affected: Pick<AffectedPersons, 'withoutId'>;
}): VigieError {
  if (archive === null) {
    return new VigieError(
      'ARCHIVE_EMPTY',
      `nothing is archived, so the persons of alert ${alertId} are unknown`,
      { remedy: ARCHIVE_REMEDY },
    );
  }
  if (withoutId > 0) {
    return new VigieError(
      'PERSONS_UNKNOWN',
      `the archived reads of alert ${alertId} showed ${count(withoutId)} records, and the log has no person id of any`,
      { remedy: 'Ask the portal whom it showed, and have it write portal.records.ids (docs/event.md).' },
    );
  }
  const reach = `the archive reaches from ${instant(archive.oldest)} to ${instant(archive.newest)}`;
  if (persons === 0 && records === 0) {
    return new VigieError(
      'ALERT_WITHOUT_READS',
      `the events that alert ${alertId} counts are no reads of persons, nor does the archive hold one (${reach})`,
      {
        remedy:
          'Export an alert that tells of reads: `vigie alerts list --who ACCOUNT` finds those of its group.',
      },
    );
  }
  return new VigieError(
    'READS_NOT_ARCHIVED',
    `alert ${alertId} counts ${count(persons)} persons in ${count(records)} records, and no read of it is archived: ${reach}`,
    { remedy: `${ARCHIVE_REMEDY} ${isByRule ? FIELDS_REMEDY : ALIAS_REMEDY}` },
  );
}

const ARCHIVE_REMEDY =
  'Reads are kept with VIGIE_ARCHIVE=true, for VIGIE_ARCHIVE_DAYS. If the log is still there, run it once more with the archive on, into another data folder.';

const FIELDS_REMEDY =
  'Events that were archived before the fields that rules ask for were kept are found with --all-reads.';

const ALIAS_REMEDY =
  'A group-by alias is no field of events: such a group is found by its rule only (--rules).';

function beginsLate({ firstEventAt }: Facts['alert'], archive: ArchiveSpan | null): boolean {
  return archive !== null && archive.oldest > firstEventAt;
}

function lacksPersons({ persons, personsEstimated }: Facts['alert'], affected: Facts['affected']): boolean {
  return affected.count < persons * (personsEstimated ? 1 - ESTIMATE_ERROR : 1);
}
