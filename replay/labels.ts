/**
 * The ground truth beside the events: which traffic is malicious, so that a backtest can compute the time to detect and
 * the records lost before an alert. The events themselves contain none of it.
 */

import type { ConfounderName } from './confounders.ts';
import { CONFOUNDER_NAMES, TAG } from './confounders.ts';
import type { EventWriter } from './event-writer.ts';
import { isoTime, ULID_LENGTH } from './event-id.ts';

export interface EventRef {
  /** ISO 8601, UTC. */
  readonly time: string;
  readonly id: string;
}

export interface IncidentLabels {
  readonly name: string;
  readonly title: string;
  /** Undefined as long as no such event has been generated. */
  readonly firstEvent: EventRef | undefined;
  readonly lastEvent: EventRef | undefined;
  readonly firstRead: EventRef | undefined;
  readonly lastRead: EventRef | undefined;
  /** `user.id` of the accounts that the attacker used; their owners may also work, in other sessions. */
  readonly accounts: readonly string[];
  /** `source.ip` of the attacker. */
  readonly sources: readonly string[];
  /** Malicious events, without duplicates. */
  readonly events: number;
  readonly reads: number;
  /** Distinct persons read, and records shown. */
  readonly persons: number;
  readonly records: number;
  /**
   * An event is malicious if its `portal.session.id` is in `sessions` or its `event.id` in `eventIds` (for events
   * outside any session, such as failed logins), and otherwise not.
   */
  readonly malicious: { readonly sessions: readonly string[]; readonly eventIds: readonly string[] };
}

/** Ordinary traffic that looks like a theft, so that a false alert can be traced to its cause. */
export interface ConfounderLabels {
  readonly name: ConfounderName;
  /** `portal.session.id` of the sessions that belong to it entirely. */
  readonly sessions: readonly string[];
  /** `event.id` of events that belong to it while their session does not. */
  readonly eventIds: readonly string[];
  /** `user.id` of the accounts concerned. */
  readonly accounts: readonly string[];
}

export interface Labels {
  readonly format: 'vigie-labels/1';
  readonly scenario: string;
  readonly seed: string;
  /** All options as resolved; instants and durations in ms. */
  readonly options: Readonly<Record<string, unknown>>;
  /** False if the traffic was not generated to its end. */
  readonly complete: boolean;
  /** Events written, including duplicates. */
  readonly events: number;
  readonly incidents: readonly IncidentLabels[];
  /** One entry per confounder that is switched on, even if it did not occur. */
  readonly confounders: readonly ConfounderLabels[];
}

/** Records what belongs to confounders as it is written. Memory grows with their sessions and loose events. */
export class ConfounderRecorder {
  readonly #names: readonly ConfounderName[];
  readonly #seen = new Map<
    ConfounderName,
    { readonly sessions: Set<string>; readonly eventIds: string[]; readonly accounts: Set<string> }
  >();

  constructor(names: ReadonlySet<ConfounderName>) {
    this.#names = CONFOUNDER_NAMES.filter((name) => names.has(name));
    for (const name of this.#names) {
      this.#seen.set(name, { sessions: new Set(), eventIds: [], accounts: new Set() });
    }
  }

  /** Records a session of the confounders in a mask of `TAG`s; those switched off are ignored. */
  noteSession(tags: number, session: { readonly id: string; readonly userId: string }): void {
    for (const name of this.#names) {
      if ((tags & TAG[name]) === 0) continue;
      const seen = this.#seen.get(name)!;
      seen.sessions.add(session.id);
      seen.accounts.add(session.userId);
    }
  }

  /** Records the event that `out` has just ended for the confounders in a mask. `userId`: undefined for no account. */
  noteEvent(tags: number, out: EventWriter, userId?: string): void {
    for (const name of this.#names) {
      if ((tags & TAG[name]) === 0) continue;
      const seen = this.#seen.get(name)!;
      seen.eventIds.push(out.lastId());
      if (userId !== undefined) seen.accounts.add(userId);
    }
  }

  labels(): readonly ConfounderLabels[] {
    return this.#names.map((name) => {
      const { sessions, eventIds, accounts } = this.#seen.get(name)!;
      return { name, sessions: [...sessions], eventIds: [...eventIds], accounts: [...accounts] };
    });
  }
}

/** Records the malicious events of one incident as they are written. */
export class LabelRecorder {
  readonly #name: string;
  readonly #title: string;
  readonly #accounts = new Set<string>();
  readonly #sources = new Set<string>();
  readonly #sessions = new Set<string>();
  readonly #eventIds: string[] = [];
  #firstEvent: EventRef | undefined;
  #firstRead: EventRef | undefined;
  readonly #lastEvent = new LastEvent();
  readonly #lastRead = new LastEvent();
  #events = 0;
  #reads = 0;
  #persons = 0;
  #records = 0;

  constructor(name: string, title: string) {
    this.#name = name;
    this.#title = title;
  }

  /** Adds a session of the attacker. */
  addSession(session: {
    readonly id: string;
    readonly userId: string;
    readonly network: { readonly ip: string };
  }): void {
    this.addUse(session);
    if (session.id !== '') this.#sessions.add(session.id);
  }

  /** Adds the attacker's use of an account in a session that is not theirs alone: its events are recorded as loose. */
  addUse(session: { readonly userId: string; readonly network: { readonly ip: string } }): void {
    this.#accounts.add(session.userId);
    this.addSource(session.network.ip);
  }

  /** Adds an address of the attacker. */
  addSource(ip: string): void {
    this.#sources.add(ip);
  }

  /** Records the malicious event that `out` has just ended, of a session that was added. */
  noteEvent(out: EventWriter, time: number): void {
    this.#events++;
    this.#firstEvent ??= { time: isoTime(time), id: out.lastId() };
    this.#lastEvent.set(out, time);
  }

  /** The same for an event outside any session. */
  noteLooseEvent(out: EventWriter, time: number): void {
    this.noteEvent(out, time);
    this.#eventIds.push(out.lastId());
  }

  /**
   * The same for a read of `records` records, `newPersons` of them of persons not read before. `loose`: in a session
   * that was not added.
   */
  noteRead(out: EventWriter, time: number, records: number, newPersons: number, loose = false): void {
    if (loose) this.noteLooseEvent(out, time);
    else this.noteEvent(out, time);
    this.#reads++;
    this.#records += records;
    this.#persons += newPersons;
    this.#firstRead ??= { time: isoTime(time), id: out.lastId() };
    this.#lastRead.set(out, time);
  }

  labels(): IncidentLabels {
    return {
      name: this.#name,
      title: this.#title,
      firstEvent: this.#firstEvent,
      lastEvent: this.#lastEvent.ref,
      firstRead: this.#firstRead,
      lastRead: this.#lastRead.ref,
      accounts: [...this.#accounts],
      sources: [...this.#sources],
      events: this.#events,
      reads: this.#reads,
      persons: this.#persons,
      records: this.#records,
      malicious: { sessions: [...this.#sessions], eventIds: [...this.#eventIds] },
    };
  }
}

/** The newest event, kept as bytes: it changes with every event and is requested once. */
class LastEvent {
  readonly #id = new Uint8Array(ULID_LENGTH);
  #time = NaN;

  set(out: EventWriter, time: number): void {
    this.#time = time;
    out.copyLastId(this.#id);
  }

  get ref(): EventRef | undefined {
    if (Number.isNaN(this.#time)) return undefined;
    return { time: isoTime(this.#time), id: Buffer.from(this.#id).toString('latin1') };
  }
}
