/**
 * The entry point to the generators: scenarios by name, their options, events and labels.
 *
 * Guarantee: the same scenario, seed and options give the same bytes on every machine; events come in event-time order
 * except for the requested disorder; memory does not grow with the length.
 */

import { z } from 'zod';

import { VigieError } from '../src/errors.ts';
import { suggestion } from '../src/sigma/nearest.ts';
import type { BenignOptions } from './benign.ts';
import { BenignStream, estimateBenign } from './benign.ts';
import { DAY_MS, parisDayOf, parisTime } from './calendar.ts';
import { Cast, registersOf } from './cast.ts';
import type { ConfounderName } from './confounders.ts';
import { deliver } from './delivery.ts';
import { isoTime } from './event-id.ts';
import type { EventStream } from './event-stream.ts';
import { MergedStream } from './event-stream.ts';
import type { EventChunk } from './event-writer.ts';
import { EventWriter } from './event-writer.ts';
import type { Hire } from './hires.ts';
import { hireInto } from './hires.ts';
import type { BuiltIncident, Incident } from './incidents/incident.ts';
import { mostTaken, type Takers } from './incidents/takings.ts';
import { CAP_EMPLOI_2024 } from './incidents/cap-emploi-2024.ts';
import { DDOS_RIE_2024 } from './incidents/ddos-rie-2024.ts';
import { DGFIP_2026 } from './incidents/dgfip-2026.ts';
import { FICOBA_2026 } from './incidents/ficoba-2026.ts';
import { GAEL_2026 } from './incidents/gael-2026.ts';
import { JOBSEEKER_INFOSTEALER_2025 } from './incidents/jobseeker-infostealer-2025.ts';
import { KAIROS_2025 } from './incidents/kairos-2025.ts';
import { MISSIONS_LOCALES_2025 } from './incidents/missions-locales-2025.ts';
import { VIAMEDIS_ALMERYS_2024 } from './incidents/viamedis-almerys-2024.ts';
import type { Labels } from './labels.ts';
import { ConfounderRecorder, LabelRecorder } from './labels.ts';
import type { LookupLists } from './lists.ts';
import { listsOfCast } from './lists.ts';
import type { CommonOptions, OptionHelp } from './options.ts';
import type { IncidentOptions } from './incidents/theft-options.ts';
import { commonOptions, describeOptions, optionsClash, parseOptions } from './options.ts';
import { Random } from './random.ts';
import { ScannerNoise } from './scanner-noise.ts';

export type { IncidentLabels, Labels } from './labels.ts';
export type { LookupLists } from './lists.ts';
export { DEFAULT_SEED } from './options.ts';

export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly options: readonly OptionHelp[];
}

export interface Generated {
  /** The events in writing order. To be iterated only once; chunks belong to the caller. */
  batches(): Iterable<EventChunk>;
  /** What is malicious among the events generated so far. */
  labels(): Labels;
}

interface BuiltScenario {
  readonly options: Readonly<CommonOptions>;
  readonly random: Random;
  readonly cast: Cast;
  readonly background: BenignOptions | undefined;
  readonly hires: readonly Hire[];
  readonly incident: BuiltIncident | undefined;
  readonly label: LabelRecorder | undefined;
}

const BENIGN_SCHEMA = z.strictObject(commonOptions({ start: '2025-07-07T00:00:00+02:00', accounts: 12_000 }));
const INCIDENTS: readonly Incident[] = [
  CAP_EMPLOI_2024,
  KAIROS_2025,
  JOBSEEKER_INFOSTEALER_2025,
  MISSIONS_LOCALES_2025,
  VIAMEDIS_ALMERYS_2024,
  DDOS_RIE_2024,
  GAEL_2026,
  FICOBA_2026,
  DGFIP_2026,
];

/** Everything that can be generated, by name. */
export const SCENARIOS: Readonly<Record<string, Scenario>> = Object.freeze(
  Object.fromEntries(
    [
      ...INCIDENTS,
      {
        name: 'benign',
        title: 'A usual week',
        summary:
          'Advisers, training organisations, account managers, a helpdesk, jobseekers and unattended accounts; nobody steals.',
        schema: BENIGN_SCHEMA,
      },
    ].map(({ name, title, summary, schema }) => [
      name,
      { name, title, summary, options: describeOptions(schema) },
    ]),
  ),
);

/**
 * Events and labels of a scenario. Option values may be typed or as written on a command line. Throws
 * SCENARIO_UNKNOWN, OPTION_UNKNOWN or OPTION_INVALID.
 */
export function generate(name: string, options: Readonly<Record<string, unknown>> = {}): Generated {
  const built = build(name, options);
  const confounders = new ConfounderRecorder(built.background?.choice.names ?? new Set<ConfounderName>());
  let events = 0;
  let complete = false;
  return {
    *batches() {
      const streams: EventStream[] = [...(built.incident?.streams ?? [])];
      if (built.background !== undefined)
        streams.push(...backgroundStreams(built, built.background, confounders));
      const { disorder, maxDelay, duplicates, ingested } = built.options;
      const writer = new EventWriter({ showIngested: ingested });
      const delivery = { disorder, maxDelayMs: maxDelay, duplicates };
      const random = built.random.split('delivery');
      for (const chunk of deliver(new MergedStream(streams), writer, random, delivery)) {
        events += chunk.count;
        yield chunk;
      }
      complete = true;
    },
    labels: () => ({
      format: 'vigie-labels/1',
      scenario: name,
      seed: built.options.seed,
      options: built.options,
      complete,
      events,
      incidents: built.label === undefined ? [] : [built.label.labels()],
      confounders: confounders.labels(),
    }),
  };
}

/**
 * The portal's lookup lists for the country of a scenario, as its directory would give them: `NAME.csv` → text. Options
 * and errors as for `generate`. Options that change no account change no list.
 */
export function listsOf(name: string, options: Readonly<Record<string, unknown>> = {}): LookupLists {
  const { cast, background } = build(name, options);
  return listsOfCast(cast, background?.choice.names.has('shared-egress') ?? false);
}

/**
 * Estimate of the number of events that `generate` gives, for progress bars: malicious ones exactly, benign ones within
 * a few percent. `stolen`: records that the malicious ones show.
 */
export function estimate(
  name: string,
  options: Readonly<Record<string, unknown>> = {},
): { events: number; stolen: number } {
  const built = build(name, options);
  const benign = built.background === undefined ? 0 : estimateBenign(built.cast, built.background);
  const events = benign + (built.incident?.events ?? 0);
  return {
    events: Math.round(events * (1 + built.options.duplicates)),
    stolen: built.incident?.records ?? 0,
  };
}

/** What an incident takes. */
export interface Takings {
  readonly takers: Takers;
  /** The most distinct persons that all who take part read within any span of that length, ms. */
  within(durationMs: number): number;
}

/** The takings of an incident with its default options, without a background; undefined if it reads nobody's data. */
export function takingsOf(name: string): Takings | undefined {
  const theft = build(name, { accounts: 0 }).incident?.theft;
  if (theft === undefined) return undefined;
  return { takers: theft.takers, within: (durationMs) => mostTaken(theft.plans, durationMs) };
}

function build(name: string, given: Readonly<Record<string, unknown>>): BuiltScenario {
  const found = INCIDENTS.find((candidate) => candidate.name === name);
  if (found === undefined && name !== 'benign') {
    const names = Object.keys(SCENARIOS);
    const message = `there is no scenario ${JSON.stringify(name)}${suggestion(name, names)}`;
    throw new VigieError('SCENARIO_UNKNOWN', message, { remedy: `Use one of: ${names.join(', ')}.` });
  }
  const options = parseOptions(name, found?.schema ?? BENIGN_SCHEMA, given) as Readonly<CommonOptions> &
    Partial<IncidentOptions>;
  const random = Random.seeded(options.seed);
  const { accounts, jobseekers = accounts, history = 0 } = options;
  // The background may start this much earlier, and the cast's accounts have to be older still.
  const start = options.start - history;
  const cast = new Cast(random, { accounts, jobseekers: accounts === 0 ? 0 : jobseekers, start });
  let label: LabelRecorder | undefined;
  let incident: BuiltIncident | undefined;
  if (found !== undefined) {
    label = new LabelRecorder(found.name, found.title);
    const world = { cast, random: random.split(`incident ${name}`), registers: registersOf(random), label };
    incident = found.build(world, options);
  }
  const background = accounts === 0 ? undefined : backgroundOf(name, options, incident);
  const hires =
    background === undefined
      ? []
      : hireInto(cast, random.split('hires'), background.choice, background.start, background.end);
  return { options, random, cast, background, hires, incident, label };
}

function backgroundStreams(
  { random, cast, hires, options }: BuiltScenario,
  background: BenignOptions,
  label: ConfounderRecorder,
): readonly EventStream[] {
  const country = { cast, hires, registers: registersOf(random), label };
  return [
    new BenignStream(random, country, background),
    new ScannerNoise(random, { ...background, accounts: options.accounts }, label),
  ];
}

/** The benign span around an incident. */
function backgroundOf(
  name: string,
  options: Readonly<CommonOptions> & Partial<IncidentOptions>,
  incident?: BuiltIncident,
): BenignOptions {
  const { confounders, confounderFactor, history } = options;
  const start =
    incident === undefined || history === undefined
      ? options.start
      : parisTime(parisDayOf(incident.firstEventAt - history));
  const lastDay = incident === undefined ? start : parisTime(parisDayOf(incident.lastEventAt) + 1);
  const end =
    options.duration === undefined ? Math.max(start + 7 * DAY_MS, lastDay) : start + options.duration;
  if (incident !== undefined && (incident.firstEventAt < start || incident.lastEventAt > end)) {
    throw optionsClash(
      name,
      `the theft (${isoTime(incident.firstEventAt)} to ${isoTime(incident.lastEventAt)}) is not within the background ` +
        `(${isoTime(start)} to ${isoTime(end)})`,
      'Move --start or --theft-start, set --history, leave --duration out, or set --accounts to 0 for the theft alone.',
    );
  }
  return { start, end, choice: { names: new Set(confounders), factor: confounderFactor } };
}
