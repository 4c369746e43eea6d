/**
 * What a backtest found, for people and scripts: the shape of `--json`, format `vigie-backtest/1`.
 *
 * Instants are ISO 8601, durations end in `Ms`, shares lie between 0 and 1, rates are per day and 10,000 accounts.
 * Everything but `jobs` (how long they took) follows from the rules, the seed and the options.
 */

import { count } from '../figures.ts';
import { raisesAlerts, type Bound, type CorrelationRule, type Level } from '../sigma/rule.ts';
import type { UnmatchedLabels } from './causes.ts';
import type { IncidentTraffic, Judgement, Hit } from './judge.ts';
import type { JobResult } from './jobs.ts';
import { DAY_MS, LEVELS, atLeast, rateBase, rounded, share } from './rates.ts';
import type { Sweep } from './sweep.ts';
import { type SweepReport, sweepReport } from './sweep-report.ts';
import type { Taken } from './theft-log.ts';
import { personsPerAccountHour } from './without.ts';

/** Alerts at this level or above are ones that somebody looks at. */
const NOTICED: Level = 'medium';

interface RuleInfo {
  readonly rule: string;
  readonly title: string;
  readonly level: Level;
  readonly type: CorrelationRule['type'];
  readonly fields: readonly string[];
  readonly groupBy: readonly string[];
  readonly timespanMs: number;
  readonly bounds: readonly Bound[];
  /** Counts one account's persons in an hour, or rests on a rule that does. */
  readonly signalA: boolean;
}

/** The earliest alert of a kind on an incident, and what was gone by then. */
export interface Detection {
  readonly rule: string;
  readonly title: string;
  readonly level: Level;
  readonly group: Readonly<Record<string, string | null>>;
  readonly crossedAt: string;
  /** Event time at which the engine reported it. */
  readonly raisedAt: string;
  readonly value: number;
  /** First malicious read → crossing; negative if before it; null if nothing was read. */
  readonly timeToDetectMs: number | null;
  readonly sinceFirstEventMs: number;
  readonly beforeFirstRead: boolean;
  /** Gone by the crossing. */
  readonly records: number;
  readonly persons: number;
  readonly accounts: number;
  readonly shareOfRecords: number;
  readonly shareOfAccounts: number;
  /** Gone when the engine reported it. */
  readonly recordsWhenRaised: number;
}

export interface RuleVerdict extends Detection {
  readonly alerts: number;
  readonly inhibited: number;
}

export interface IncidentVerdict {
  readonly name: string;
  readonly title: string;
  /** The incident is in the traffic and read nothing, so no alert is the right answer. */
  readonly negativeControl: boolean;
  readonly firstEvent: string | null;
  readonly firstRead: string | null;
  readonly lastRead: string | null;
  readonly events: number;
  readonly reads: number;
  readonly records: number;
  readonly persons: number;
  readonly accounts: number;
  /** The earliest alert at medium or above, high or above, and critical. */
  readonly detected: Readonly<Record<'medium' | 'high' | 'critical', Detection | null>>;
  /** The earliest at medium or above without the rules of signal A. */
  readonly inDepth: Detection | null;
  /** Every rule with an alert that belongs to the incident, by first crossing. */
  readonly rules: readonly RuleVerdict[];
  /** Alerts on the background traffic around it. */
  readonly falseAlerts: number;
  /** What was gone at some instants between the first and last read. */
  readonly course: readonly (Omit<Taken, 'at'> & { readonly sinceFirstReadMs: number })[];
}

interface FalseAlertRow {
  readonly rule: string;
  readonly level: Level;
  readonly cause: string;
  readonly alerts: number;
  /** Of those, inhibited by an alert of another rule: `alerts − inhibited` are at the top. */
  readonly inhibited: number;
  readonly perDay: number;
  readonly topPerDay: number;
  readonly examples: Judgement['falseAlerts'][number]['examples'];
}

interface Rate {
  readonly alerts: number;
  readonly inhibited: number;
  /** Per day and 10,000 accounts (per day if the log names no account): of all alerts, and of those at the top. */
  readonly perDay: number;
  readonly topPerDay: number;
}

export interface FalseAlertReport {
  readonly days: number;
  readonly accounts: number;
  readonly events: number;
  readonly all: Rate;
  readonly byLevel: Readonly<Record<Level, Rate>>;
  readonly byCause: Readonly<Record<string, Rate>>;
  readonly rows: readonly FalseAlertRow[];
}

export interface BacktestReport {
  readonly format: 'vigie-backtest/1';
  readonly settings: Readonly<Record<string, unknown>>;
  readonly rules: readonly RuleInfo[];
  readonly incidents: readonly IncidentVerdict[];
  /** Labels that match no event of the user's own log: figures on their incidents are too low. */
  readonly unmatchedLabels: readonly UnmatchedLabels[];
  /** Null if no benign traffic was judged. */
  readonly falseAlerts: FalseAlertReport | null;
  readonly sweep: SweepReport | null;
  readonly jobs: readonly {
    readonly scenario: string;
    readonly events: number;
    readonly deadLetters: number;
    readonly late: number;
    readonly groups: number;
    readonly stateBytes: number;
    readonly elapsedMs: number;
    /** CPU time of its thread, and the part of it spent generating. */
    readonly cpuMs: number;
    readonly generatingMs: number;
  }[];
}

/** `sweep`: the rule set that the jobs were judged with, and the points of its sweep, if any. */
export function reportOf(
  sweep: Sweep,
  jobs: readonly JobResult[],
  settings: Readonly<Record<string, unknown>>,
  unmatchedLabels: readonly UnmatchedLabels[] = [],
): BacktestReport {
  const rules = new Map(sweep.originals.map((rule) => [rule.key, rule]));
  const signalA = personsPerAccountHour([...rules.values()]);
  const incidents = jobs.flatMap((job) =>
    job.judgement.incidents.map((traffic, i) => verdictOf(traffic, i, job.judgement, rules, signalA)),
  );
  const judged = jobs.filter(({ benign }) => benign).map(({ judgement }) => judgement);
  return {
    format: 'vigie-backtest/1',
    settings,
    rules: [...rules.values()].filter(raisesAlerts).map((rule) => ({
      rule: rule.key,
      title: rule.title,
      level: rule.level,
      type: rule.type,
      fields: rule.fields,
      groupBy: rule.groupBy,
      timespanMs: rule.timespanMs,
      bounds: rule.bounds,
      signalA: signalA.has(rule.key),
    })),
    incidents: incidents.sort((a, b) => ((a.firstEvent ?? '') < (b.firstEvent ?? '') ? -1 : 1)),
    unmatchedLabels,
    falseAlerts: judged.length === 0 ? null : falseAlertReport(judged, rules),
    sweep: sweep.points.length === 0 ? null : sweepReport(sweep, jobs),
    jobs: jobs.map(({ scenario, judgement, elapsedMs, cpuMs, generatingMs }) => ({
      scenario,
      events: judgement.events,
      deadLetters: judgement.deadLetters,
      late: judgement.late,
      groups: judgement.state.groups,
      stateBytes: judgement.state.bytes,
      elapsedMs: Math.round(elapsedMs),
      cpuMs: Math.round(cpuMs),
      generatingMs: Math.round(generatingMs),
    })),
  };
}

function verdictOf(
  traffic: IncidentTraffic,
  index: number,
  { hits, falseAlerts }: Judgement,
  rules: ReadonlyMap<string, CorrelationRule>,
  signalA: ReadonlySet<string>,
): IncidentVerdict {
  const found = hits
    .filter(({ incident, rule }) => incident === index && rules.has(rule))
    .map((hit): RuleVerdict => {
      const { alerts, inhibited } = hit;
      return { ...detectionOf(hit, rules.get(hit.rule)!, traffic), alerts, inhibited };
    })
    .sort((a, b) => (a.crossedAt === b.crossedAt ? 0 : a.crossedAt < b.crossedAt ? -1 : 1));
  const earliest = (suits: (verdict: RuleVerdict) => boolean): Detection | null => {
    const verdict = found.find(suits);
    if (verdict === undefined) return null;
    const { alerts: _, inhibited: __, ...detection } = verdict;
    return detection;
  };
  const { name, title, events, reads, records, persons, accounts, course } = traffic;
  return {
    name,
    title,
    negativeControl: events > 0 && reads === 0,
    firstEvent: iso(traffic.firstEventAt),
    firstRead: iso(traffic.firstReadAt),
    lastRead: iso(traffic.lastReadAt),
    events,
    reads,
    records,
    persons,
    accounts,
    detected: {
      medium: earliest(({ level }) => atLeast(level, 'medium')),
      high: earliest(({ level }) => atLeast(level, 'high')),
      critical: earliest(({ level }) => level === 'critical'),
    },
    inDepth: earliest(({ level, rule }) => atLeast(level, NOTICED) && !signalA.has(rule)),
    rules: found,
    falseAlerts: falseAlerts.reduce((sum, { rule, alerts }) => sum + (rules.has(rule) ? alerts : 0), 0),
    course: course.map(({ at, ...taken }) => ({ sinceFirstReadMs: at - traffic.firstReadAt!, ...taken })),
  };
}

function detectionOf({ first }: Hit, rule: CorrelationRule, traffic: IncidentTraffic): Detection {
  const { group, crossedAt, raisedAt, value, taken, takenWhenRaised } = first;
  const { firstReadAt, firstEventAt } = traffic;
  return {
    rule: rule.key,
    title: rule.title,
    level: rule.level,
    group,
    crossedAt: iso(crossedAt)!,
    raisedAt: iso(raisedAt)!,
    value,
    timeToDetectMs: firstReadAt === undefined ? null : crossedAt - firstReadAt,
    sinceFirstEventMs: crossedAt - firstEventAt!,
    beforeFirstRead: firstReadAt !== undefined && crossedAt < firstReadAt,
    records: taken.records,
    persons: taken.persons,
    accounts: taken.accounts,
    shareOfRecords: share(taken.records, traffic.records),
    shareOfAccounts: share(taken.accounts, traffic.accounts),
    recordsWhenRaised: takenWhenRaised.records,
  };
}

function falseAlertReport(
  judged: readonly Judgement[],
  rules: ReadonlyMap<string, CorrelationRule>,
): FalseAlertReport {
  const perDay = rateBase(judged);
  const rate = (alerts: number, inhibited: number): Rate => ({
    alerts,
    inhibited,
    perDay: rounded(alerts / perDay),
    topPerDay: rounded((alerts - inhibited) / perDay),
  });
  const byRuleAndCause = new Map<string, FalseAlertRow>();
  for (const { rule, cause, alerts, inhibited, examples } of judged.flatMap((one) => one.falseAlerts)) {
    const known = rules.get(rule);
    if (known === undefined) continue;
    const id = JSON.stringify([rule, cause]);
    const before = byRuleAndCause.get(id);
    byRuleAndCause.set(id, {
      rule,
      level: known.level,
      cause,
      ...rate((before?.alerts ?? 0) + alerts, (before?.inhibited ?? 0) + inhibited),
      examples: before?.examples ?? examples,
    });
  }
  const rows = [...byRuleAndCause.values()].sort((a, b) => b.alerts - a.alerts || (a.rule < b.rule ? -1 : 1));
  const sum = (some: readonly FalseAlertRow[]): Rate =>
    rate(
      some.reduce((total, { alerts }) => total + alerts, 0),
      some.reduce((total, { inhibited }) => total + inhibited, 0),
    );
  const causes = [...new Set(rows.map(({ cause }) => cause))].sort();
  return {
    days: rounded(Math.max(...judged.map(({ judgedMs }) => judgedMs)) / DAY_MS),
    accounts: judged.reduce((total, { accounts }) => total + accounts, 0),
    events: judged.reduce((total, { events }) => total + events, 0),
    all: sum(rows),
    byLevel: Object.fromEntries(
      LEVELS.map((level) => [level, sum(rows.filter((row) => row.level === level))]),
    ) as Record<Level, Rate>,
    byCause: Object.fromEntries(
      causes.map((cause) => [cause, sum(rows.filter((row) => row.cause === cause))]),
    ),
    rows,
  };
}

/** Warns that the labels of an incident match only in part. */
export function unmatchedText({ of, kind, labelled, unmatched, examples }: UnmatchedLabels): string {
  const more = unmatched > examples.length ? ', …' : '';
  const what = labelled === 1 ? kind.slice(0, -1) : kind;
  return `no event counts for ${count(unmatched)} of ${count(labelled)} ${what} in the labels of ${of}: ${examples.join(', ')}${more}`;
}

/** Shown once after those warnings. */
export const UNMATCHED_REMEDY =
  'What was done under such labels is not told, and alerts on it count as false: see that they are those of this log, and each of one incident.';

function iso(timeMs: number | undefined): string | null {
  return timeMs === undefined ? null : new Date(timeMs).toISOString();
}
