/** From an alert's archived reads to the persons whose data they showed. */

import { PERSONS_FIELD } from '../alert/episode.ts';
import { organisationText, shownOrganisations } from '../alert/organisations.ts';
import { numberOf } from '../detect/values.ts';
import { VigieError } from '../errors.ts';
import { RECORDS_FIELD } from '../sink/archive-reads.ts';
import type { AlertStore } from '../sink/alert-store.ts';
import type { ArchivedEvent } from '../sink/sink.ts';
import { pseudonymsOf } from './archived-record.ts';
import type { Belonging } from './belonging.ts';
import { type AffectedPerson, PersonTable } from './person-table.ts';
import { ValueSets } from './value-sets.ts';

export class AffectedPersons {
  /** Events that showed persons. */
  reads = 0;
  /** Event times of the first and last of them, ms since the epoch. */
  first = Infinity;
  last = -Infinity;
  /** Records without a person's id in the log: nobody can say whose they are. */
  withoutId = 0;
  readonly #accounts = new Map<string, number>();
  readonly #organisations = new ValueSets();
  readonly #table = new PersonTable({
    applications: new ValueSets(),
    organisations: this.#organisations,
    categories: new ValueSets(),
  });

  get count(): number {
    return this.#table.size;
  }

  /** Account → number of its reads. */
  get accounts(): ReadonlyMap<string, number> {
    return this.#accounts;
  }

  get identified(): number {
    return this.#table.identified;
  }

  /** Sets the portal's own id of the person with this pseudonym. */
  identify(hi: number, lo: number, id: string): void {
    this.#table.identify(hi, lo, id);
  }

  /** In the order of first reads. */
  *persons(): Generator<AffectedPerson> {
    for (const person of this.#table.persons()) {
      yield { ...person, organisations: shownOrganisations(person.organisations) };
    }
  }

  take({ time, fields }: ArchivedEvent): void {
    const persons = fields[PERSONS_FIELD] ?? [];
    const listed = typeof persons === 'string' ? 1 : persons.length;
    const records = numberOf(singleOf(fields[RECORDS_FIELD])) ?? listed;
    this.withoutId += Math.max(0, Math.trunc(records) - listed);
    if (listed === 0) return;
    const pseudonyms = pseudonymsOf(persons);
    if (pseudonyms === undefined) throw notPseudonyms();
    this.reads += 1;
    this.first = Math.min(this.first, time);
    this.last = Math.max(this.last, time);
    const account = firstOf(fields['user.id']);
    if (account !== '') this.#accounts.set(account, (this.#accounts.get(account) ?? 0) + 1);
    const organisation = organisationText(
      firstOf(fields['organization.name']),
      firstOf(fields['organization.id']),
    );
    const categories = fields['portal.records.sensitivity'] ?? [];
    const shown = {
      time,
      applications: [firstOf(fields['service.name'])],
      organisations: [organisation],
      categories: typeof categories === 'string' ? [categories] : categories,
    };
    this.#table.add(shown, pseudonyms.words, pseudonyms.length);
  }
}

/** Reads the archive to its end, or until the signal aborts. Throws what the store throws. */
export async function affectedPersons(
  store: Pick<AlertStore, 'reads'>,
  { question, has }: Belonging,
  signal: AbortSignal,
): Promise<AffectedPersons> {
  const affected = new AffectedPersons();
  let from: Awaited<ReturnType<AlertStore['reads']>>['next'];
  do {
    const page = await store.reads(from === undefined ? question : { ...question, from });
    for (const event of page.events) if (has(event)) affected.take(event);
    from = page.next;
  } while (from !== undefined && !signal.aborted);
  return affected;
}

function singleOf(value: string | readonly string[] | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function firstOf(value: string | readonly string[] | undefined): string {
  return (typeof value === 'string' ? value : value?.[0]) ?? '';
}

function notPseudonyms(): VigieError {
  return new VigieError(
    'ARCHIVE_NOT_PSEUDONYMS',
    `the archive holds values of ${PERSONS_FIELD} as they came, not pseudonyms`,
    { remedy: `Name ${PERSONS_FIELD} in VIGIE_PERSON_FIELDS, so that ids of persons are replaced on entry.` },
  );
}
