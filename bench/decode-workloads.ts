/**
 * Events to decode: the usual mix, and what somebody might send to slow the decoder down.
 *
 * All are derived from ECS events of about 500 bytes: 10,000 accounts and addresses, 400 organisations, ids of one to
 * four of 340,000 records. Seeded, so the same events on every machine.
 */

import { Random } from '../replay/random.ts';
import { distinct, inAnyOrder, type Json, mapTexts, shuffled } from './workload.ts';

export interface DecodeWorkload {
  readonly name: string;
  readonly bytes: Buffer;
  /** Start of each event, and the end of the last. */
  readonly offsets: readonly number[];
}

interface Kind {
  readonly name: string;
  /** Returns the text of the i-th event. */
  readonly write: (event: Json, random: Random, i: number) => string;
  /** The text is Latin-1, not UTF-8. */
  readonly isLatin?: boolean;
}

const KINDS: readonly Kind[] = [
  { name: 'usual mix', write: usual },
  {
    name: 'random key order at every level',
    write: (event, random) => JSON.stringify(shuffled(event, random)),
  },
  {
    name: 'random key order, all values distinct, new keys only',
    write: (event, random, i) => JSON.stringify(shuffled(withNewKeys(distinct(event, i), i), random)),
  },
  {
    name: 'text beyond ASCII in every value',
    write: (event) => JSON.stringify(mapTexts(event, (text) => `é${text}`)),
  },
  {
    name: 'an escape in every key and value',
    write: (event) =>
      JSON.stringify(event).replaceAll(
        /"([a-z])/g,
        (_, first: string) => `"\\u00${first.charCodeAt(0).toString(16)}`,
      ),
  },
  {
    name: 'every wanted value twice',
    write: (event) => valuesTwice(JSON.stringify(event)),
  },
  { name: 'every object twice', write: (event) => JSON.stringify(event).replace(/^\{(.*)\}$/, '{$1,$1}') },
  {
    name: 'objects and nested lists for values',
    write: (event) => JSON.stringify({ ...event, event: { id: { a: 1 }, action: [['x', { y: 2 }]] } }),
  },
  {
    name: 'a list where objects go on',
    write: (event) => JSON.stringify({ ...event, user: [event['user'], event['user']] }),
  },
  {
    name: '2,000 ids an event',
    write: (event, random, i) =>
      i % 40 === 0
        ? JSON.stringify({
            ...event,
            portal: { records: { ids: Array.from({ length: 2000 }, () => `00${random.below(340_000)}A`) } },
          })
        : '',
  },
  { name: 'time with an offset', write: (event) => JSON.stringify(event).replace(/Z"/, '+02:00"') },
  { name: 'cut off', write: (event) => JSON.stringify(event).slice(0, -30) },
  {
    name: 'not UTF-8 at the end',
    write: (event) => JSON.stringify({ ...event, z: '\xff' }),
    isLatin: true,
  },
  { name: 'no time', write: (event) => JSON.stringify({ ...event, '@timestamp': undefined }) },
  { name: 'a time that is none', write: (event) => JSON.stringify({ ...event, '@timestamp': 'now' }) },
  {
    name: 'objects for ids',
    write: (event) => JSON.stringify({ ...event, portal: { records: { ids: [{}] } } }),
  },
  { name: 'all of it in lists', write: inLists },
  { name: 'all of it in lists, every wanted value twice', write: (event) => valuesTwice(inLists(event)) },
  {
    name: 'fields both nested and dotted',
    write: (event) => JSON.stringify({ ...event, 'user.id': 'u-1', 'portal.records': { count: 1 } }),
  },
];

export function decodeWorkloads(events: number, seed: number): DecodeWorkload[] {
  return KINDS.map(({ name, write, isLatin = false }) => {
    const encoding = isLatin ? 'latin1' : 'utf8';
    const random = Random.seeded(String(seed));
    const texts = Array.from({ length: events }, (_, i) => write(eventAt(i, random), random, i)).filter(
      (text) => text !== '',
    );
    const offsets = [0];
    for (const text of texts) offsets.push(offsets.at(-1)! + Buffer.byteLength(text, encoding));
    return { name, bytes: Buffer.from(texts.join(''), encoding), offsets };
  });
}

function eventAt(i: number, random: Random): Json {
  const user = random.below(10_000);
  const structure = random.below(400);
  const id = `01K0${(i * 7919).toString(32).padStart(10, '0')}${random
    .below(2 ** 30)
    .toString(32)
    .padStart(12, '0')}`;
  return {
    '@timestamp': new Date(Date.UTC(2025, 6, 12, 9) + i * 20).toISOString(),
    event: {
      id: id.toUpperCase(),
      category: ['web'],
      type: ['access'],
      action: random.pick(['record-view', 'record-list', 'record-search', 'login']),
      outcome: 'success',
    },
    user: { id: `u-${user.toString(16).padStart(4, '0')}`, roles: ['conseiller_cap_emploi'] },
    organization: {
      id: `130005481${String(structure).padStart(5, '0')}`,
      ...(random.chance(0.1) && { name: random.pick(['Mission locale de l’Isère', 'Cap emploi']) }),
    },
    source: { ip: `203.0.${user % 113}.${user % 251}` },
    http: {
      request: { method: 'GET' },
      response: { status_code: 200, body: { bytes: random.below(40_000) } },
    },
    url: { path: random.pick(['/recherche', '/dossier', '/liste']) },
    service: { name: random.pick(['kairos', 'ouiform']) },
    portal: {
      session: { id: `s-${(user * 31).toString(16).padStart(8, '0')}` },
      records: {
        count: 1 + random.below(4),
        ids: Array.from({ length: 1 + random.below(4) }, () => `00${random.below(340_000)}A`),
        structures: [`ML${String(structure % 100).padStart(3, '0')}`],
      },
      app: { lifecycle: 'active' },
    },
  };
}

/** One in ten has its parts in another order; some are spaced, some have escapes. */
function usual(event: Json, random: Random): string {
  const parts = random.chance(0.1) ? inAnyOrder(Object.entries(event), random) : Object.entries(event);
  const text = JSON.stringify(Object.fromEntries(parts), null, random.chance(0.05) ? 1 : 0).replaceAll(
    '\n',
    '',
  );
  return random.chance(0.05) ? text.replaceAll('/', '\\/') : text;
}

function valuesTwice(json: string): string {
  return json.replaceAll(/"(id|action|count)":([^,{}[\]]+)/g, '"$1":$2,"$1":$2');
}

/** Replaces every object in an event by a list of one. */
function inLists(event: Json): string {
  return JSON.stringify(
    Object.fromEntries(
      Object.entries(event).map(([key, part]) => [key, key.startsWith('@') ? part : [part]]),
    ),
  );
}

function withNewKeys(event: Json, i: number): Json {
  const added = Array.from({ length: 10 }, (_, n) => [`key-${i}-${n}`, n] as const);
  return { ...event, ...Object.fromEntries(added) };
}
