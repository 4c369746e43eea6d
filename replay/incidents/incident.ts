/**
 * The contract of an incident: its facts at the top of its file, its options, and a function that turns options into
 * streams. Accounts that the incident needs in the background are added to the cast first, so that their owners work
 * too; the attacker acts in separate sessions.
 */

import type { z } from 'zod';

import { parisDayOf, parisTime, weekdayOf } from '../calendar.ts';
import type { Cast } from '../cast.ts';
import type { EventStream } from '../event-stream.ts';
import type { EventWriter, Register } from '../event-writer.ts';
import type { LabelRecorder } from '../labels.ts';
import type { TheftPlan } from './schedule.ts';
import type { Takers } from './takings.ts';
import type { IncidentOptions } from './theft-options.ts';
import type { Permutation, Random } from '../random.ts';

/** What an incident is built from. */
export interface World {
  readonly cast: Cast;
  /** The incident's own stream. */
  readonly random: Random;
  readonly registers: Readonly<Record<Register, Permutation>>;
  readonly label: LabelRecorder;
}

export interface BuiltIncident {
  readonly streams: readonly EventStream[];
  /** First and last event, ms since the epoch. */
  readonly firstEventAt: number;
  readonly lastEventAt: number;
  /** Number of events in the streams. */
  readonly events: number;
  /** Number of records they show, each of one person. */
  readonly records: number;
  /** When how many records are read, and by how many takers; undefined if none are read. */
  readonly theft: { readonly plans: readonly TheftPlan[]; readonly takers: Takers } | undefined;
}

export interface Incident<T extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly schema: T;
  build(world: World, options: Readonly<z.output<T>>): BuiltIncident;
}

/** The first time at or after `start` at which it is `clockMs` in Paris on a weekday (0 = Monday). */
export function firstWeekday(start: number, weekday: number, clockMs: number): number {
  let day = parisDayOf(start);
  while (weekdayOf(day) !== weekday || parisTime(day, clockMs) < start) day++;
  return parisTime(day, clockMs);
}

/** Start of the theft, by the clock that stamps the incident's events. */
export function stampedStart(options: IncidentOptions, usual: number): number {
  return (options.theftStart ?? usual) + options.clockSkew;
}

/** Shifts an incident built by the clock that stamps its events to the times at which the log receives them. */
export function stamped(options: IncidentOptions, built: BuiltIncident): BuiltIncident {
  const { clockSkew } = options;
  if (clockSkew === 0) return built;
  return {
    ...built,
    streams: built.streams.map((stream) => new SkewedStream(stream, clockSkew)),
    firstEventAt: built.firstEventAt - clockSkew,
    lastEventAt: built.lastEventAt - clockSkew,
  };
}

/** Events whose times are `skewMs` ahead: they reach the log that much earlier than their times say. */
class SkewedStream implements EventStream {
  readonly #stream: EventStream;
  readonly #skewMs: number;

  constructor(stream: EventStream, skewMs: number) {
    this.#stream = stream;
    this.#skewMs = skewMs;
  }

  get time(): number {
    return this.#stream.time - this.#skewMs;
  }

  next(out: EventWriter): void {
    out.delayMs -= this.#skewMs;
    this.#stream.next(out);
    out.delayMs += this.#skewMs;
  }
}
