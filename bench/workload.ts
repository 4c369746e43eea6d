/**
 * The log that the whole path is measured on, as NDJSON bytes; seeded, so the same on every machine.
 *
 * **The usual one** (`usual`): 185 events a second of about 500 bytes. Benign traffic: 10,000 accounts of 400
 * organisations; nine in ten events are reads, of one of the account's own forty persons (85 %) or of a million others
 * (15 %). The incident, from a tenth of the log on: one account reads 47 persons a second whom it has not read before.
 * Meanwhile one account creates up to 200 others. Arrival: 1 % of the events up to 30 s late, 0.5 % twice. Form: 10 %
 * with keys in another order, 5 % with spaces, 5 % with `\/`, 3 % with `\u00e8`, 3 % with the same letter in UTF-8, 0.3
 * % with dotted keys, 0.1 % without an id, 0.1 % with a key twice, 0.03 % cut off.
 *
 * **Hostile ones** (`HOSTILE`): what somebody who can write events would send to make the detector slow or large.
 */

import { Random, mix32 } from '../replay/random.ts';

export interface Workload {
  readonly name: string;
  /** NDJSON, one line feed after each event. */
  readonly bytes: Buffer;
  /** Start of each line, and the end of the last. */
  readonly starts: Uint32Array;
  readonly events: number;
}

export interface WorkloadOptions {
  /** Events before duplicates are added. */
  readonly events: number;
  /** Persons' ids of a read: one, or 1 to 4 with a mean of 2.65. Default 'one'. */
  readonly ids?: 'one' | 'several';
}

export type Json = { [key: string]: unknown };

/** What happens at one moment. */
interface Happening {
  readonly time: number;
  readonly action: string;
  readonly user: string;
  readonly persons: readonly string[];
}

type Traffic = (i: number, time: number, random: Random, several: boolean) => Happening;

export const START_MS = Date.UTC(2025, 6, 12, 19);
const EVENTS_PER_SECOND = 185;
const STOLEN_PER_SECOND = 47;
const ACCOUNTS = 10_000;
const CASELOAD = 40;
const PERSONS = 1_000_000;
const MAX_DELAY_MS = 30_000;
/** The allowed lateness that the workloads are made for. */
export const LATENESS_MS = 60_000;

export function usual({ events, ids }: WorkloadOptions): Workload {
  const creationEvery = Math.ceil(events / 300);
  const theftFrom = events / 10;
  const traffic: Traffic = (i, time, random, several) => {
    if (i % creationEvery === creationEvery - 1 && i < 200 * creationEvery)
      return { time, action: 'account-create', user: 'u-rgc', persons: [] };
    if (i > theftFrom && random.chance(STOLEN_PER_SECOND / EVENTS_PER_SECOND)) {
      const persons = Array.from({ length: idsOf(random, several) }, (_, k) => `T${i * 4 + k}`);
      return { time, action: 'record-view', user: 'u-thief', persons };
    }
    return benign(time, random, several);
  };
  return written('usual', traffic, dressed, events, ids, { disorder: 0.01, copies: 0.005 });
}

export function benign(time: number, random: Random, several: boolean, accounts = ACCOUNTS): Happening {
  const account = random.below(accounts);
  const user = `u-${account.toString(16).padStart(4, '0')}`;
  if (random.chance(0.1))
    return { time, action: random.pick(['login', 'record-search', 'logout']), user, persons: [] };
  const persons = Array.from({ length: idsOf(random, several) }, () =>
    personId(
      random.chance(0.85)
        ? mix32(account * CASELOAD + random.below(CASELOAD)) % PERSONS
        : random.below(PERSONS),
    ),
  );
  return { time, action: 'record-view', user, persons };
}

/** 1 to 4, on average 2.65. */
function idsOf(random: Random, several: boolean): number {
  if (!several) return 1;
  const draw = random.float();
  return draw < 0.2 ? 1 : draw < 0.45 ? 2 : draw < 0.7 ? 3 : 4;
}

function personId(number: number): string {
  return `${String(number).padStart(7, '0')}A`;
}

const asked = (user: string, time: number, person: string): Happening => ({
  time,
  action: 'record-view',
  user,
  persons: [person],
});

/** In each thousand, all events but the first are as old as the first one and the lateness allow. */
const atTheBound = (i: number): number => timeOf(i - (i % 1000)) - (i % 1000 === 0 ? 0 : LATENESS_MS);

/** Default time of the i-th event. */
function timeOf(i: number): number {
  return START_MS + Math.round((i * 1000) / EVENTS_PER_SECOND);
}

interface Hostile {
  readonly traffic: Traffic;
  readonly write?: Writer;
  /** Cap on the number of events: enough for the worst slowness. */
  readonly most?: number;
}

/** This many events arrive newest first: ten seconds of them. */
const REVERSED = 10 * EVENTS_PER_SECOND;

/** By name; each runs beside `usual`, with nothing late or duplicated unless the name says so. */
export const HOSTILE: Readonly<Record<string, Hostile>> = {
  'new accounts only': { traffic: (i, time) => asked(`u-new-${i}`, time, personId(i % PERSONS)) },
  'new persons only': {
    traffic: (i, time, random) => asked(`u-${random.below(ACCOUNTS).toString(16)}`, time, `N${i}`),
  },
  'one account alone': { traffic: (i, time) => asked('u-alone', time, `N${i}`) },
  'all at the lateness bound': {
    traffic: (i, _, random, several) => benign(atTheBound(i), random, several),
  },
  'one account alone, all at the lateness bound': {
    traffic: (i) => asked('u-alone', atTheBound(i), `N${i}`),
  },
  'one account alone, newest first ten seconds at a time': {
    traffic: (i) => asked('u-alone', timeOf(i + REVERSED - 2 * (i % REVERSED)), `N${i}`),
    most: 10 * REVERSED,
  },
  'random key order': {
    traffic: (_, time, random, several) => benign(time, random, several),
    write: (event, random) => JSON.stringify(shuffled(event, random)),
  },
  'all ids distinct': {
    traffic: (i, time) => asked(`u-new-${i}`, time, `N${i}`),
    write: (event, _, i) => JSON.stringify({ ...distinct(event, i), event: event['event'] }),
  },
};

export function hostile(name: string, { events, ids }: WorkloadOptions): Workload {
  const kind = HOSTILE[name];
  if (kind === undefined) throw new Error(`no hostile workload is called ${name}`);
  const { traffic, write = (event: Json) => JSON.stringify(event), most = Infinity } = kind;
  return written(name, traffic, write, Math.min(events, most), ids, { disorder: 0, copies: 0 });
}

type Writer = (event: Json, random: Random, i: number) => string;

function written(
  name: string,
  traffic: Traffic,
  write: Writer,
  events: number,
  ids: 'one' | 'several' | undefined,
  { disorder, copies }: { readonly disorder: number; readonly copies: number },
): Workload {
  const random = Random.seeded('bench').split(name);
  const happens = random.split('traffic');
  const looks = random.split('writing');
  const arrives = random.split('arrival');
  const lines: { readonly at: number; readonly text: string }[] = [];
  const several = ids === 'several';
  for (let i = 0; i < events; i += 1) {
    const time = timeOf(i);
    const text = write(eventOf(traffic(i, time, happens, several), i), looks, i);
    const late = arrives.chance(disorder) ? arrives.below(MAX_DELAY_MS) : 0;
    lines.push({ at: time + late, text });
    if (arrives.chance(copies)) lines.push({ at: time + arrives.below(MAX_DELAY_MS), text });
  }
  // The sort is stable, so events that arrive at once stay in order.
  if (disorder + copies > 0) lines.sort((a, b) => a.at - b.at);
  return toBytes(
    name,
    lines.map(({ text }) => text),
  );
}

function toBytes(name: string, lines: readonly string[]): Workload {
  const starts = new Uint32Array(lines.length + 1);
  for (let i = 0; i < lines.length; i += 1) starts[i + 1] = starts[i]! + Buffer.byteLength(lines[i]!) + 1;
  const bytes = Buffer.allocUnsafeSlow(starts[lines.length]!);
  for (let i = 0; i < lines.length; i += 1) bytes.write(`${lines[i]!}\n`, starts[i]!);
  return { name, bytes, starts, events: lines.length };
}

export function eventOf({ time, action, user, persons }: Happening, i: number): Json {
  const number = numberOf(user);
  const organisation = number % 400;
  return {
    '@timestamp': new Date(time).toISOString(),
    event: {
      id: `01K0${(START_MS + i).toString(32)}${mix32(i).toString(32).padStart(7, '0')}${i.toString(32).padStart(6, '0')}`.toUpperCase(),
      category: ['web'],
      type: ['access'],
      action,
      outcome: 'success',
    },
    user: { id: user, roles: ['conseiller_cap_emploi'] },
    organization: { id: `130005481${String(organisation).padStart(5, '0')}` },
    source: { ip: `203.0.${number % 113}.${number % 251}` },
    http: { request: { method: 'GET' }, response: { status_code: 200, body: { bytes: number % 40_000 } } },
    url: { path: '/dossier/liste' },
    service: { name: i % 2 === 0 ? 'kairos' : 'ouiform' },
    portal: {
      session: { id: `s-${number.toString(16).padStart(8, '0')}` },
      ...(persons.length > 0 && { records: { count: persons.length, ids: persons } }),
      app: { lifecycle: 'active' },
    },
  };
}

/** A number that depends on the account alone. */
function numberOf(user: string): number {
  let number = 0;
  for (let k = 0; k < user.length; k += 1) number = mix32(number + user.charCodeAt(k));
  return number;
}

/** Applies the shares listed at the top of this file. */
function dressed(event: Json, random: Random): string {
  const draw = random.float();
  if (draw < 0.1) return JSON.stringify(shuffled(event, random));
  if (draw < 0.15) return JSON.stringify(event, null, 1).replaceAll('\n', '');
  if (draw < 0.2) return JSON.stringify(event).replaceAll('/', String.raw`\/`);
  if (draw < 0.26) {
    const named = JSON.stringify({
      ...event,
      organization: { ...(event['organization'] as Json), name: 'Mission locale de l’Isère' },
    });
    return draw < 0.23
      ? named
      : named.replaceAll('è', String.raw`\u00e8`).replaceAll('’', String.raw`\u2019`);
  }
  if (draw < 0.263) {
    const { user, ...rest } = event as { user: Json };
    return JSON.stringify({ ...rest, 'user.id': user['id'], 'user.roles': user['roles'] });
  }
  if (draw < 0.264) {
    const { id: _, ...rest } = event['event'] as Json;
    return JSON.stringify({ ...event, event: rest });
  }
  const text = JSON.stringify(event);
  if (draw < 0.265) return text.replace('"outcome":', '"outcome":"failure","outcome":');
  return draw < 0.2653 ? text.slice(0, -30) : text;
}

/** The same value with the keys of every object in random order. */
export function shuffled(value: unknown, random: Random): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  return Object.fromEntries(
    inAnyOrder(Object.entries(value), random).map(([key, one]) => [key, shuffled(one, random)]),
  );
}

/** The same event with the number i appended to every text. */
export function distinct(event: Json, i: number): Json {
  return mapTexts(event, (text) => `${text}-${i}`) as Json;
}

/** The same value with every text replaced, except times. */
export function mapTexts(value: unknown, map: (text: string) => string): unknown {
  if (typeof value === 'string') return /^20\d\d-/.test(value) ? value : map(value);
  if (Array.isArray(value)) return value.map((one) => mapTexts(one, map));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, one]) => [key, mapTexts(one, map)]));
}

export function inAnyOrder<T>(values: readonly T[], random: Random): T[] {
  const result = [...values];
  for (let i = result.length - 1; i > 0; i--) {
    const j = random.below(i + 1);
    [result[i], result[j]] = [result[j]!, result[i]!];
  }
  return result;
}
