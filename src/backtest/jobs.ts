/**
 * What a backtest runs: one job per incident inside a small background that is watched for a while beforehand, and
 * benign jobs that learn, then judge. A job is generator → decoder → engine in one thread.
 *
 * Jobs are never split: splitting accounts among threads would change what rules by organisation, source or creator
 * see, and splitting time would repeat the learning. Instead, many benign accounts form several countries, each with
 * its own organisations, networks and confounders.
 */

import { DEFAULT_SEED, estimate, generate, SCENARIOS } from '../../replay/index.ts';
import { VigieError } from '../errors.ts';
import { nearest } from '../sigma/nearest.ts';
import type { RuleSet } from '../sigma/rule.ts';
import type { Clock } from '../clock.ts';
import { Causes, type LabelledTraffic, type UnmatchedLabels } from './causes.ts';
import { Judge, type Judgement } from './judge.ts';

export interface JobSpec {
  readonly scenario: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** Has no incident; its false alerts are those of the report. */
  readonly benign: boolean;
  readonly learnMs: number;
  /** Estimate of the events it generates. */
  readonly events: number;
  /** Estimate of its work, in plain events. */
  readonly cost: number;
}

export interface JobResult {
  readonly scenario: string;
  readonly benign: boolean;
  /** As the labels give them: instants and durations in ms. */
  readonly options: Readonly<Record<string, unknown>>;
  readonly judgement: Judgement;
  /** Wall time, ms. */
  readonly elapsedMs: number;
  /** CPU time of the thread, ms: in all, and the part spent generating. */
  readonly cpuMs: number;
  readonly generatingMs: number;
}

export interface JobsOptions {
  /** Names of incidents; undefined for all. */
  readonly incidents?: readonly string[] | undefined;
  /** Leaves the benign traffic out. */
  readonly withoutBenign?: boolean;
  /** Accounts of the benign traffic. */
  readonly accounts: number;
  /** Accounts around an incident. */
  readonly background: number;
  readonly learnMs: number;
  readonly judgeMs: number;
  readonly seed?: string | undefined;
  /** Further options per scenario, e.g. fewer records. */
  readonly scenarioOptions?: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
}

const BENIGN = 'benign';

/**
 * Cost of each person shown by an event, relative to the event: every rule that counts persons looks each of them up.
 */
const PERSON_COST = 0.1;

/** Shortest background before an incident. */
const SHORTEST_MS = 1000;

/** Most accounts of one benign country. */
const LARGEST_COUNTRY = 5_000;

/** Names of all incidents that can be generated. */
export function incidentNames(): readonly string[] {
  return Object.keys(SCENARIOS).filter((name) => name !== BENIGN);
}

/** Ordered by work, most first, so that the threads end together. Throws SCENARIO_UNKNOWN. */
export function planJobs(options: JobsOptions): readonly JobSpec[] {
  const { incidents = incidentNames(), accounts, background, learnMs, judgeMs, seed } = options;
  const common = seed === undefined ? {} : { seed };
  const specs = [...new Set(incidents)].map((name) => {
    if (!incidentNames().includes(name)) {
      const meant = nearest(name, incidentNames());
      throw new VigieError('SCENARIO_UNKNOWN', `there is no incident ${JSON.stringify(name)}`, {
        remedy: `${meant === undefined ? '' : `Did you mean ${meant}? `}Use one of: ${incidentNames().join(', ')}.`,
      });
    }
    return specOf(name, learnMs, {
      ...common,
      accounts: background,
      ...(has(name, 'history') ? { history: Math.max(SHORTEST_MS, learnMs) } : {}),
      ...options.scenarioOptions?.[name],
    });
  });
  if (options.withoutBenign !== true) {
    for (const [i, size] of countries(accounts).entries()) {
      specs.push(
        specOf(BENIGN, learnMs, {
          ...(i === 0 ? common : { seed: `${seed ?? DEFAULT_SEED}, country ${i + 1}` }),
          accounts: size,
          duration: learnMs + judgeMs,
          ...options.scenarioOptions?.[BENIGN],
        }),
      );
    }
  }
  return specs.sort((a, b) => b.cost - a.cost);
}

/** Accounts per benign country: many accounts are split into several, so that several cores share the work. */
function countries(accounts: number): number[] {
  const count = Math.ceil(accounts / LARGEST_COUNTRY);
  return Array.from({ length: count }, (_, i) => Math.floor((accounts + i) / count));
}

function specOf(scenario: string, learnMs: number, options: Readonly<Record<string, unknown>>): JobSpec {
  const { events, stolen } = estimate(scenario, options);
  const cost = events + PERSON_COST * stolen;
  return { scenario, options, benign: scenario === BENIGN, learnMs, events, cost };
}

function has(scenario: string, option: string): boolean {
  return SCENARIOS[scenario]!.options.some(({ name }) => name === option);
}

/** Runs a job to its end. `progress` receives the events so far from time to time. */
export function runJob(
  spec: JobSpec,
  ruleSet: RuleSet,
  clock: Clock,
  progress: (events: number) => void = () => {},
): JobResult {
  const generated = generate(spec.scenario, spec.options);
  const causes = new Causes();
  const { learnMs, benign } = spec;
  const { start, duration, accounts } = generated.labels().options as Record<string, number>;
  // Nobody works on the last Sunday, yet it belongs to the judged period.
  const judged = benign ? { judged: { from: start! + learnMs, to: start! + duration! } } : {};
  const judge = new Judge(ruleSet, causes, { learnMs, ...judged });
  const chunks = generated.batches()[Symbol.iterator]();
  const since = clock.elapsed();
  const cpuBefore = threadCpuMs();
  let generatingMs = 0;
  for (;;) {
    const before = threadCpuMs();
    const { done, value: chunk } = chunks.next();
    generatingMs += threadCpuMs() - before;
    if (done === true) break;
    // The labels cover an event as soon as it is written.
    causes.update(generated.labels());
    const { bytes, ends, count } = chunk;
    let start = 0;
    for (let i = 0; i < count; i += 1) {
      const end = ends[i]!;
      judge.take(bytes, start, end - 1);
      start = end;
    }
    progress(judge.events);
  }
  const judgement = judge.finish();
  return {
    scenario: spec.scenario,
    benign: spec.benign,
    options: generated.labels().options,
    judgement: { ...judgement, accounts: accounts! },
    elapsedMs: clock.elapsed() - since,
    cpuMs: threadCpuMs() - cpuBefore,
    generatingMs,
  };
}

/** What this thread has used so far. */
export function threadCpuMs(): number {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
}

/**
 * Judges the user's own events, which `feed` delivers line by line. Also returns the labels that match none of them.
 */
export async function judgeLog(
  ruleSet: RuleSet,
  labels: LabelledTraffic,
  options: ConstructorParameters<typeof Judge>[2],
  feed: (visit: (data: Uint8Array, start: number, end: number) => void) => Promise<void>,
): Promise<{ readonly judgement: Judgement; readonly unmatchedLabels: readonly UnmatchedLabels[] }> {
  const causes = new Causes();
  causes.update(labels);
  const judge = new Judge(ruleSet, causes, options);
  await feed((data, start, end) => judge.take(data, start, end));
  return { judgement: judge.finish(), unmatchedLabels: causes.unmatched(labels) };
}
