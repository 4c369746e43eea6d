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

/** A session, an event id, an address or an account that labels name. */
interface Mark {
  cause: Cause;
  /** An event had it. */
  seen: boolean;
}

/** Marks of one incident or confounder by which no event was known, so that what it did is told too low. */
export interface UnmatchedLabels {
  /** Name of the incident or confounder. */
  readonly of: string;
  readonly kind: 'sessions' | 'event ids' | 'sources' | 'accounts';
  /** Different ones in the labels, and those of them that no event has or that are another incident's. */
  readonly labelled: number;
  readonly unmatched: number;
  readonly examples: readonly string[];
}

const EXAMPLES = 3;

/** What a false alert is put down to when no confounder explains it. */
const ORDINARY_WORK = 'ordinary work';

export class Causes {
  incidents: readonly { readonly name: string; readonly title: string }[] = [];
  confounders: readonly string[] = [];
  readonly #sessions = new Map<string, Mark>();
  readonly #eventIds = new Map<string, Mark>();
  readonly #sources = new Map<string, Mark>();
  readonly #accounts = new Map<string, Mark>();
  /** Per list of the labels, how much of it was taken. */
  readonly #taken = new Map<string, number>();

  /** Takes what these labels say beyond the ones before: lists only grow at their ends. */
  update(labels: LabelledTraffic): void {
    this.incidents = labels.incidents.map(({ name, title }) => ({ name, title: title ?? name }));
    labels.incidents.forEach(({ malicious, sources = [] }, i) => {
      if (!isMarked(malicious)) this.#take(`${i} sources`, sources, this.#sources, i);
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
    const byId = eventId === undefined ? undefined : this.#eventIds.get(eventId);
    // Both are there in the log, also where one of them is enough.
    if (bySession !== undefined) bySession.seen = true;
    if (byId !== undefined) byId.seen = true;
    const known = bySession ?? byId;
    if (known !== undefined) return known.cause;
    if (session !== undefined || source === undefined || this.#sources.size === 0) return ORDINARY;
    const bySource = this.#sources.get(source);
    if (bySource === undefined) return ORDINARY;
    bySource.seen = true;
    return bySource.cause;
  }

  /** An event is of this account. */
  noteAccount(account: string): void {
    const known = this.#accounts.get(account);
    if (known !== undefined) known.seen = true;
  }

  /** What of these labels, all of which it took, no event was known by so far. */
  unmatched({ incidents, confounders = [] }: LabelledTraffic): UnmatchedLabels[] {
    return [
      ...incidents.flatMap(({ name, malicious, sources = [] }, i) => [
        ...unmatchedOf(name, 'sessions', malicious.sessions, this.#sessions, i),
        ...unmatchedOf(name, 'event ids', malicious.eventIds, this.#eventIds, i),
        ...(isMarked(malicious) ? [] : unmatchedOf(name, 'sources', sources, this.#sources, i)),
      ]),
      ...confounders.flatMap(({ name, sessions, eventIds, accounts }) => [
        ...unmatchedOf(name, 'sessions', sessions, this.#sessions),
        ...unmatchedOf(name, 'event ids', eventIds, this.#eventIds),
        ...unmatchedOf(name, 'accounts', accounts, this.#accounts),
      ]),
    ];
  }

  /** The confounder that a group belongs to by its account alone. */
  ofGroup(group: Readonly<Record<string, string | null>>): Cause {
    for (const value of Object.values(group)) {
      const known = value === null ? undefined : this.#accounts.get(value);
      if (known === undefined) continue;
      known.seen = true;
      return known.cause;
    }
    return ORDINARY;
  }

  /** What a false alert is put down to. */
  nameOf(cause: Cause): string {
    return cause < 0 ? this.confounders[-1 - cause]! : ORDINARY_WORK;
  }

  #take(list: string, marks: readonly string[], into: Map<string, Mark>, cause: Cause): void {
    for (let i = this.#taken.get(list) ?? 0; i < marks.length; i += 1) {
      const known = into.get(marks[i]!);
      if (known === undefined) into.set(marks[i]!, { cause, seen: false });
      // What an incident claims stays malicious, whatever a confounder says of it.
      else if (known.cause < 0) known.cause = cause;
    }
    this.#taken.set(list, marks.length);
  }
}

function isMarked({ sessions, eventIds }: Marks): boolean {
  return sessions.length + eventIds.length > 0;
}

/** `owner`: the incident for which alone an event is to count; a confounder may leave its own to incidents. */
function unmatchedOf(
  of: string,
  kind: UnmatchedLabels['kind'],
  marks: readonly string[],
  known: ReadonlyMap<string, Mark>,
  owner?: Cause,
): UnmatchedLabels[] {
  const different = [...new Set(marks)];
  const unmatched = different.filter((mark) => {
    const { cause, seen } = known.get(mark)!;
    return !seen || (owner !== undefined && cause !== owner);
  });
  if (unmatched.length === 0) return [];
  const examples = unmatched.slice(0, EXAMPLES);
  return [{ of, kind, labelled: different.length, unmatched: unmatched.length, examples }];
}
