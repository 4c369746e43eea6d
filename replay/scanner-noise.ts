/**
 * Requests that reach no account: scanners looking for forgotten pages, and now and then a flood. Confounder
 * scanner-noise: none of them follows a login or shows a record.
 *
 * Assumed: scans come at any hour, each from a rented server or an infected line, 20 to 300 requests at a machine's
 * pace; a flood is 20,000 requests within ten minutes from 50 lines, once in four weeks per 10,000 accounts. Rates are
 * proportional to the number of accounts, as is the number of portals.
 * Guarantee: only a day's requests are held.
 */

import { DAY_MS, MINUTE_MS, parisDayOf, parisTime } from './calendar.ts';
import type { ConfounderChoice } from './confounders.ts';
import { TAG, weeklyRate } from './confounders.ts';
import type { EventStream } from './event-stream.ts';
import type { EventWriter } from './event-writer.ts';
import { encoded } from './event-writer.ts';
import type { ConfounderRecorder } from './labels.ts';
import type { Random } from './random.ts';
import { homeNetwork, hostingNetwork } from './session.ts';

/** A request rejected before any login has no action. */
const TURNED_AWAY = encoded('","category":["web"],"type":["access"],"outcome":"failure"},');
const PATHS = [
  '/',
  '/admin',
  '/.env',
  '/wp-login.php',
  '/api/v1/users',
  '/recherche',
  '/login',
  '/export',
] as const;
const SCAN = [20, 300] as const;
const FLOOD_REQUESTS = 20_000;
const FLOOD_SOURCES = 50;
const FLOOD_MS = 10 * MINUTE_MS;
/** Floods per scan: one in four weeks among 42 scans a week. */
const FLOODS = 0.25 / 42;

interface Request {
  readonly time: number;
  readonly text: string;
}

export interface ScannerOptions {
  /** Events in [start, end), ms since the epoch. */
  readonly start: number;
  readonly end: number;
  readonly accounts: number;
  readonly choice: ConfounderChoice;
}

export class ScannerNoise implements EventStream {
  readonly #options: ScannerOptions;
  readonly #days: Random;
  readonly #ids: Random;
  readonly #label: ConfounderRecorder;
  readonly #scansPerDay: number;
  #day: number;
  #requests: readonly Request[] = [];
  #i = 0;

  constructor(random: Random, options: ScannerOptions, label: ConfounderRecorder) {
    const own = random.split('scanner-noise');
    this.#days = own.split('days');
    this.#ids = own.split('event-ids');
    this.#options = options;
    this.#label = label;
    this.#scansPerDay = (weeklyRate(options.choice, 'scanner-noise') * options.accounts) / 10_000 / 7;
    this.#day = parisDayOf(options.start) - 1;
    this.#fill();
  }

  get time(): number {
    return this.#requests[this.#i]?.time ?? Infinity;
  }

  next(out: EventWriter): void {
    const { time, text } = this.#requests[this.#i++]!;
    out.begin(time, this.#ids, TURNED_AWAY, '');
    out.text(text);
    out.end();
    this.#label.noteEvent(TAG['scanner-noise'], out);
    if (this.#i === this.#requests.length) this.#fill();
  }

  #fill(): void {
    const { start, end } = this.#options;
    this.#requests = [];
    this.#i = 0;
    if (this.#scansPerDay === 0) return;
    while (this.#requests.length === 0) {
      const from = parisTime(++this.#day);
      if (from >= end) return;
      const requests: Request[] = [];
      const random = this.#days.at(this.#day);
      for (let left = random.poisson(this.#scansPerDay); left > 0; left--) planScan(random, from, requests);
      for (let left = random.poisson(this.#scansPerDay * FLOODS); left > 0; left--)
        planFlood(random, from, requests);
      this.#requests = requests
        .filter(({ time }) => time >= start && time < Math.min(end, parisTime(this.#day + 1)))
        .sort((a, b) => a.time - b.time);
    }
  }
}

function planScan(random: Random, from: number, requests: Request[]): void {
  const source = random.chance(0.6) ? hostingNetwork(random) : homeNetwork(random.u32());
  let time = from + random.below(DAY_MS);
  for (let left = random.between(...SCAN); left > 0; left--) {
    requests.push({ time, text: requestText(random, source) });
    time += 20 + random.below(400);
  }
}

function planFlood(random: Random, from: number, requests: Request[]): void {
  const sources = Array.from({ length: FLOOD_SOURCES }, () => homeNetwork(random.u32()));
  const start = from + random.below(DAY_MS - FLOOD_MS);
  for (let i = 0; i < FLOOD_REQUESTS; i++) {
    requests.push({ time: start + random.below(FLOOD_MS), text: requestText(random, random.pick(sources)) });
  }
}

function requestText(random: Random, source: { readonly ip: string; readonly asNumber: number }): string {
  const status = random.pick([401, 403, 404, 503]);
  return (
    `"source":{"ip":"${source.ip}","as":{"number":${source.asNumber}}},` +
    `"user_agent":{"original":"python-requests/2.32"},"url":{"path":"${random.pick(PATHS)}"},` +
    `"http":{"request":{"method":"GET"},"response":{"status_code":${status},"body":{"bytes":${random.between(150, 900)}}}}}`
  );
}
