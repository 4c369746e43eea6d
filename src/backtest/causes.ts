/**
 * Why an event is not ordinary work: the incident or the confounder that the labels name, if any.
 *
 * The truth stands beside the events, never in them: an event is known by its session, or by its id when it
 * belongs to no session. A flood that has neither, and too many events to list, is known by its addresses.
 * Labels of generated traffic grow while it is generated; `update` takes what is new.
 */

/** The part of `vigie-labels/1` that says which event is what. */
export interface LabelledTraffic {
  readonly incidents: readonly {
    readonly name: string;
    readonly title?: string | undefined;
    /** Addresses of the attacker: asked only for incidents without a mark, and events without a session. */
    readonly sources?: readonly string[] | undefined;
    readonly malicious: Marks;
  }[];
  readonly confounders?: readonly ConfounderLabels[] | undefined;
}

interface Marks {
  readonly sessions: readonly string[];
  readonly eventIds: readonly string[];
}

interface ConfounderLabels extends Marks {
  readonly name: string;
  readonly accounts: readonly string[];
}

/** 0, 1, …: that incident. −1, −2, …: that confounder. `ORDINARY`: neither. */
export type Cause = number;
const ORDINARY: Cause = NaN;

/** What a false alert is put down to when no confounder explains it. */
const ORDINARY_WORK = 'ordinary work';

export class Causes {
  incidents: readonly { readonly name: string; readonly title: string }[] = [];
  confounders: readonly string[] = [];
  readonly #sessions = new Map<string, Cause>();
  readonly #eventIds = new Map<string, Cause>();
  readonly #sources = new Map<string, Cause>();
  readonly #accounts = new Map<string, Cause>();
  /** Per list of the labels, how much of it was taken. */
  readonly #taken = new Map<string, number>();

  /** Takes what these labels say beyond the ones before: lists only grow at their ends. */
  update(labels: LabelledTraffic): void {
    this.incidents = labels.incidents.map(({ name, title }) => ({ name, title: title ?? name }));
    labels.incidents.forEach(({ malicious, sources = [] }, i) => {
      const marked = malicious.sessions.length + malicious.eventIds.length > 0;
      if (!marked) this.#take(`${i} sources`, sources, this.#sources, i);
      this.#take(`${i} sessions`, malicious.sessions, this.#sessions, i);
      this.#take(`${i} events`, malicious.eventIds, this.#eventIds, i);
    });
    const confounders = labels.confounders ?? [];
    this.confounders = confounders.map(({ name }) => name);
    confounders.forEach(({ sessions, eventIds, accounts }, i) => {
      this.#take(`${-1 - i} sessions`, sessions, this.#sessions, -1 - i);
      this.#take(`${-1 - i} events`, eventIds, this.#eventIds, -1 - i);
      this.#take(`${-1 - i} accounts`, accounts, this.#accounts, -1 - i);
    });
  }

  of(session: string | undefined, eventId: string | undefined, source: string | undefined): Cause {
    const bySession = session === undefined ? undefined : this.#sessions.get(session);
    if (bySession !== undefined) return bySession;
    const byId = eventId === undefined ? undefined : this.#eventIds.get(eventId);
    if (byId !== undefined) return byId;
    if (session !== undefined || source === undefined || this.#sources.size === 0) return ORDINARY;
    return this.#sources.get(source) ?? ORDINARY;
  }

  /** The confounder that a group belongs to by its account alone. */
  ofGroup(group: Readonly<Record<string, string | null>>): Cause {
    for (const value of Object.values(group)) {
      const cause = value === null ? undefined : this.#accounts.get(value);
      if (cause !== undefined) return cause;
    }
    return ORDINARY;
  }

  /** What a false alert is put down to. */
  nameOf(cause: Cause): string {
    return cause < 0 ? this.confounders[-1 - cause]! : ORDINARY_WORK;
  }

  #take(list: string, marks: readonly string[], into: Map<string, Cause>, cause: Cause): void {
    for (let i = this.#taken.get(list) ?? 0; i < marks.length; i += 1) {
      // What an incident claims stays malicious, whatever a confounder says of it.
      const known = into.get(marks[i]!);
      if (known === undefined || known < 0) into.set(marks[i]!, cause);
    }
    this.#taken.set(list, marks.length);
  }
}
