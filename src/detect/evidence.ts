/** What an alert says of an event beside its rule: which slots hold it, and how they are read. */

import { isIPv4, isIPv6 } from 'node:net';
import { ACCOUNT_FIELD, accountsText } from '../alert/accounts.ts';
import { categoriesText, categoryText } from '../alert/categories.ts';
import { Dictionary, OTHERS } from '../alert/dictionary.ts';
import { PERSONS_FIELD } from '../alert/episode.ts';
import { organisationText } from '../alert/organisations.ts';
import { Pseudonyms } from '../event/pseudonyms.ts';
import type { EventRecord, FieldTable, FieldValue } from '../event/record.ts';
import type { SectionReader } from '../state/state-reader.ts';
import { begun } from '../state/steps.ts';
import type { SectionWriter } from '../state/state-writer.ts';
import { type Dimensions, DimensionTable, LIMITS } from '../window/dimension-table.ts';
import { type EventEntry, MOST_DIMENSIONS } from '../window/event-log.ts';
import { HeldNumbers } from './held-numbers.ts';
import { shortText } from './short-text.ts';
import { numberOf, textOf, textsOf } from './values.ts';

const FIELDS = {
  id: 'event.id',
  records: 'portal.records.count',
  persons: PERSONS_FIELD,
  bytes: 'http.response.body.bytes',
  application: 'service.name',
  organisationName: 'organization.name',
  organisationId: 'organization.id',
  source: 'source.ip',
  category: 'portal.records.sensitivity',
  account: ACCOUNT_FIELD,
  target: 'user.target.id',
} as const;

const SATURATED = 0xffff_ffff;
const MOST_REMEMBERED = 100_000;

export class Evidence {
  readonly idSlot: number;
  readonly personSlot: number;
  readonly applications = new Dictionary(LIMITS.application);
  readonly organisations = new Dictionary(LIMITS.organisation);
  readonly networks = new Dictionary(LIMITS.network);
  readonly categories = new Dictionary(LIMITS.category);
  readonly accounts = new Dictionary(LIMITS.account);
  /** Combinations of the above that events have. */
  readonly dimensions = new DimensionTable(MOST_DIMENSIONS);
  readonly #parts: readonly (Dictionary | DimensionTable)[] = [
    this.applications,
    this.organisations,
    this.networks,
    this.categories,
    this.accounts,
    this.dimensions,
  ];
  readonly #found: Dimensions = { application: 0, organisation: 0, network: 0, category: 0, account: 0 };
  /** For an event whose combination has no room in that table. */
  readonly #others: number;
  readonly #groupsTellAccount: boolean;
  readonly #slots: Record<keyof typeof FIELDS, number>;
  /** Address → its network, so that each address is parsed once; emptied when it grows too large. */
  readonly #networkOf = new Map<string, number>();
  /** By id, so that each pair's text is made once; emptied when it grows too large. */
  readonly #organisationOf = new Map<string, { readonly name: string; readonly number: number }>();

  /** `groupsTellAccount`: all groups name the account, so events need not. */
  constructor(fields: FieldTable, groupsTellAccount = false) {
    this.#groupsTellAccount = groupsTellAccount;
    this.#slots = Evidence.ask(fields);
    this.idSlot = this.#slots.id;
    this.personSlot = this.#slots.persons;
    this.#others = this.dimensions.numberOf({
      application: this.applications.number(OTHERS),
      organisation: this.organisations.number(OTHERS),
      network: this.networks.number(OTHERS),
      category: this.categories.number(OTHERS),
      account: this.accounts.number(OTHERS),
    });
  }

  /** Asks for the fields; returns their slots. */
  static ask(fields: FieldTable): Record<keyof typeof FIELDS, number> {
    const slots = Object.entries(FIELDS).map(([name, path]) => [name, fields.slot(path)] as const);
    return Object.fromEntries(slots) as Record<keyof typeof FIELDS, number>;
  }

  /** Fills everything of the entry but time, id and measures. */
  read(record: EventRecord, entry: EventEntry): void {
    const { slots } = record;
    const at = this.#slots;
    const persons = slots[at.persons];
    const records = numberOf(slots[at.records]) ?? (persons instanceof Pseudonyms ? persons.length : 0);
    entry.records = saturated(records);
    entry.bytes = saturated(numberOf(slots[at.bytes]) ?? 0);
    const found = this.#found;
    found.application = this.applications.number(firstText(slots[at.application]));
    found.organisation = this.#organisation(
      firstText(slots[at.organisationName]),
      firstText(slots[at.organisationId]),
    );
    found.network = this.#network(firstText(slots[at.source]));
    found.category = this.categories.number(allTexts(slots[at.category]));
    found.account = this.#account(record);
    entry.dimensions = this.#numberOf(found);
  }

  /** Number of the dimensions that hold the accounts only. */
  accountsOf(record: EventRecord): number {
    const account = this.#account(record);
    return this.#numberOf({ application: 0, organisation: 0, network: 0, category: 0, account });
  }

  #numberOf(dimensions: Dimensions): number {
    const number = this.dimensions.numberOf(dimensions);
    return number < 0 ? this.#others : number;
  }

  /** Returns 0 if the event's group names the account. */
  #account({ slots }: EventRecord): number {
    const target = firstText(slots[this.#slots.target]);
    if (target === '' && this.#groupsTellAccount) return 0;
    return this.accounts.number(accountsText(firstText(slots[this.#slots.account]), target));
  }

  /** A dictionary or the table is full: what is no longer held should be forgotten. */
  get isFull(): boolean {
    return this.#parts.some((part) => part.isFull);
  }

  /** To be filled with what is held. */
  noneHeld(): HeldNumbers {
    return new HeldNumbers(this.dimensions);
  }

  forget(held: HeldNumbers): void {
    held.addRow(this.#others);
    this.dimensions.forget(held.rows);
    this.#networkOf.clear();
    this.#organisationOf.clear();
    this.applications.forget(held.applications);
    this.organisations.forget(held.organisations);
    this.networks.forget(held.networks);
    this.categories.forget(held.categories);
    this.accounts.forget(held.accounts);
  }

  /** Saves all parts as of the first step. */
  *saving(to: SectionWriter): Generator<void> {
    const each = this.#parts.map((part) => begun(part.saving(to)));
    try {
      yield;
      for (const steps of each) yield* steps;
    } finally {
      for (const steps of each) steps.return(undefined);
    }
  }

  *loading(from: SectionReader): Generator<void> {
    for (const part of this.#parts) yield* part.loading(from);
  }

  #organisation(name: string, id: string): number {
    if (id === '') return this.organisations.number(name);
    const known = this.#organisationOf.get(id);
    if (known?.name === name) return known.number;
    if (this.#organisationOf.size >= MOST_REMEMBERED) this.#organisationOf.clear();
    const number = this.organisations.number(organisationText(name, id));
    this.#organisationOf.set(id, { name, number });
    return number;
  }

  #network(address: string): number {
    const known = this.#networkOf.get(address);
    if (known !== undefined) return known;
    if (this.#networkOf.size >= MOST_REMEMBERED) this.#networkOf.clear();
    const number = this.networks.number(networkOf(address));
    this.#networkOf.set(address, number);
    return number;
  }
}

/** The /24 of an IPv4 address, the /48 of an IPv6 address; other text unchanged. */
export function networkOf(address: string): string {
  const v4 = address.replace(/^::ffff:(?=.*\.)/i, '');
  if (isIPv4(v4)) return v4.replace(/\d+$/, '0/24');
  if (!isIPv6(address)) return address;
  const [head = '', rest] = address.toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  if (rest !== undefined) {
    const tail = rest === '' ? [] : rest.split(':');
    while (groups.length + tail.length < 8) groups.push('0');
    groups.push(...tail);
  }
  const prefix = groups.slice(0, 3).map((group) => group.replace(/^0+(?=.)/, ''));
  while (prefix.length > 0 && prefix.at(-1) === '0') prefix.pop();
  return `${prefix.join(':')}::/48`;
}

function firstText(value: FieldValue | undefined): string {
  return shortText(textOf(value) ?? textsOf(value)[0] ?? '');
}

function allTexts(value: FieldValue | undefined): string {
  if (Array.isArray(value) && value.length === 1) return allTexts(value[0]);
  const text = textOf(value);
  if (text !== undefined) return categoryText(shortText(text));
  const texts = textsOf(value).filter((each) => each !== '');
  return categoriesText(texts.map(shortText));
}

function saturated(value: number): number {
  return value >= SATURATED ? SATURATED : Math.max(0, Math.trunc(value));
}
