/**
 * Which incident or confounder of the labels an event is due to, if any.
 *
 * The labels stand beside the events, never in them. An event is recognised by its session, or by its id if it belongs
 * to no session. A flood that has neither, and too many events to list, is recognised by its addresses. Labels of
 * generated traffic grow along with it; `update` takes what was added.
 */

/** The part of `vigie-labels/1` that classifies events. */
export interface LabelledTraffic {
  readonly incidents: readonly {
    readonly name: string;
    readonly title?: string | undefined;
    /** The attacker's addresses; used only for incidents without marks and events without a session. */
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

/** 0, 1, …: index of the incident. −1, −2, …: a confounder. `ORDINARY`: neither. */
export type Cause = number;
const ORDINARY: Cause = NaN;

/** A session, an event id, an address or an account in the labels. */
interface Mark {
  cause: Cause;
  /** An event with this mark was seen. */
  seen: boolean;
}

/** Marks of an incident or confounder that no event counts for, so that figures on it are too low. */
export interface UnmatchedLabels {
  /** Name of the incident or confounder. */
  readonly of: string;
  readonly kind: 'sessions' | 'event ids' | 'sources' | 'accounts';
  /** Distinct marks in the labels, and how many of them no event has or belong to another incident. */
  readonly labelled: number;
  readonly unmatched: number;
  readonly examples: readonly string[];
}

const EXAMPLES = 3;

/** Cause of a false alert that no confounder explains. */
const ORDINARY_WORK = 'ordinary work';

export class Causes {
  incidents: readonly { readonly name: string; readonly title: string }[] = [];
  confounders: readonly string[] = [];
  readonly #sessions = new Map<string, Mark>();
  readonly #eventIds = new Map<string, Mark>();
  readonly #sources = new Map<string, Mark>();
  readonly #accounts = new Map<string, Mark>();
  /** Per list of the labels, how many entries have been taken. */
  readonly #taken = new Map<string, number>();

  /** Takes what these labels add to earlier ones: lists only grow at their ends. */
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
    // Both marks occur in the log, even where one would suffice.
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

  /** Notes that an event of this account was seen. */
  noteAccount(account: string): void {
    const known = this.#accounts.get(account);
    if (known !== undefined) known.seen = true;
  }

  /** The marks of these labels that no event counted for so far. `update` must have taken all of them. */
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

  /** Name of the cause of a false alert. */
  nameOf(cause: Cause): string {
    return cause < 0 ? this.confounders[-1 - cause]! : ORDINARY_WORK;
  }

  #take(list: string, marks: readonly string[], into: Map<string, Mark>, cause: Cause): void {
    for (let i = this.#taken.get(list) ?? 0; i < marks.length; i += 1) {
      const known = into.get(marks[i]!);
      if (known === undefined) into.set(marks[i]!, { cause, seen: false });
      // What an incident claims stays malicious, even if a confounder claims it too.
      else if (known.cause < 0) known.cause = cause;
    }
    this.#taken.set(list, marks.length);
  }
}

function isMarked({ sessions, eventIds }: Marks): boolean {
  return sessions.length + eventIds.length > 0;
}

/** `owner`: the incident that the marks have to count for; marks of a confounder may count for incidents. */
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
