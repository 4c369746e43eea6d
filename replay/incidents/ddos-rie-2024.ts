/**
 * ddos-rie-2024: the flood of requests on the interministerial network (RIE), March 2024. A negative control: nobody is
 * logged in and nothing is read, so no rule about extraction may fire.
 *
 * Published by the service: countless requests made services unavailable; only availability was affected.
 *
 * Assumed, because it was not published: from Sunday 10 March, 20:00, for three hours (`window`), 100 requests a second
 * (`requestsPerSecond`: the share that reached the application and its log) from 5,000
 * addresses on home lines, like a botnet's (`bots`); most ask for public pages and get 503 or 429; one in ten asks for
 * the page of a record without a login and is refused with 401.
 *
 * Labels: `sources` are the attackers' addresses. There is no account, no session, no read; there are too many events
 * to list and `malicious` is empty: a rule about extraction that fires on them is a false alert.
 */

import { z } from 'zod';

import { DAY_MS, HOUR_MS, SECOND_MS } from '../calendar.ts';
import type { EventStream } from '../event-stream.ts';
import type { EventWriter } from '../event-writer.ts';
import { ACTIONS, encoded } from '../event-writer.ts';
import type { LabelRecorder } from '../labels.ts';
import { commonOptions, duration, integer, number } from '../options.ts';
import { incidentOptions } from './theft-options.ts';
import type { Random } from '../random.ts';
import { browser, homeNetwork } from '../session.ts';
import type { Incident } from './incident.ts';
import { firstWeekday, stamped, stampedStart } from './incident.ts';

const NAME = 'ddos-rie-2024';

const schema = z.strictObject({
  ...commonOptions({ start: '2024-03-04T00:00:00+01:00', accounts: 12_000 }),
  ...incidentOptions(),
  window: duration(SECOND_MS, 7 * DAY_MS)
    .prefault('3h')
    .describe('How long the flood lasts.'),
  requestsPerSecond: number(0.01, 100_000).prefault(100).describe('Requests per second in the log.'),
  bots: integer(1, 100_000).prefault(5000).describe('Addresses that take part.'),
});

export const DDOS_RIE_2024: Incident<typeof schema> = {
  name: NAME,
  title: 'a flood of requests that nobody is logged in for (negative control)',
  summary:
    'Thousands of addresses overload the services for three hours; no record is read, so no extraction may be reported.',
  schema,

  build(world, options) {
    const start = stampedStart(options, firstWeekday(options.start, 6, 20 * HOUR_MS));
    const requests = Math.max(1, Math.round((options.requestsPerSecond * options.window) / SECOND_MS));
    const flood = { start, windowMs: options.window, requests, bots: options.bots };
    return stamped(options, {
      streams: [new Flood(world.random, flood, world.label)],
      firstEventAt: start,
      lastEventAt: start + options.window,
      events: requests,
      records: 0,
      theft: undefined,
    });
  },
};

interface FloodOptions {
  /** ms since the epoch. */
  readonly start: number;
  readonly windowMs: number;
  readonly requests: number;
  readonly bots: number;
}

const APPLICATIONS = ['portail-emploi', 'espace-personnel', 'kairos', 'i-milo'] as const;
const PUBLIC_PAGES = ['/', '/recherche', '/connexion', '/actualites'] as const;
const RECORD_SHARE = 0.1;

class Flood implements EventStream {
  readonly #options: FloodOptions;
  readonly #label: LabelRecorder;
  readonly #ids: Random;
  readonly #draws: Random;
  readonly #bots: readonly Uint8Array[];
  readonly #pages: readonly Uint8Array[];
  readonly #records: readonly Uint8Array[];
  #i = 0;
  time: number;

  constructor(random: Random, options: FloodOptions, label: LabelRecorder) {
    this.#options = options;
    this.#label = label;
    this.#ids = random.split('event-ids');
    this.#draws = random.split('requests');
    const places = random.split('bots');
    this.#bots = Array.from({ length: options.bots }, () => {
      const { ip, asNumber } = homeNetwork(places.u32());
      label.addSource(ip);
      return encoded(
        `"source":{"ip":"${ip}","as":{"number":${asNumber}}},"user_agent":{"original":"${browser(places)}"},`,
      );
    });
    this.#pages = APPLICATIONS.flatMap((application) =>
      PUBLIC_PAGES.flatMap((page) => [503, 429].map((status) => response(application, page, status))),
    );
    this.#records = APPLICATIONS.map((application) => response(application, '/dossier', 401));
    this.time = this.#timeOf(0);
  }

  next(out: EventWriter): void {
    const record = this.#draws.chance(RECORD_SHARE);
    out.begin(this.time, this.#ids, record ? ACTIONS.recordViewRefused : ACTIONS.pageRefused, '');
    out.fragment(this.#draws.pick(this.#bots));
    out.fragment(this.#draws.pick(record ? this.#records : this.#pages));
    out.end();
    this.#label.noteEvent(out, this.time);
    this.#i++;
    this.time = this.#i === this.#options.requests ? Infinity : this.#timeOf(this.#i);
  }

  #timeOf(i: number): number {
    const { start, windowMs, requests } = this.#options;
    return Math.floor(start + ((i + this.#draws.float()) * windowMs) / requests);
  }
}

function response(application: string, path: string, status: number): Uint8Array {
  return encoded(
    `"service":{"name":"${application}"},"url":{"path":"${path}"},` +
      `"http":{"request":{"method":"GET"},"response":{"status_code":${status},"body":{"bytes":0}}}}`,
  );
}
