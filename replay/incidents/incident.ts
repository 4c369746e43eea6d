/**
 * The contract of an incident: its facts at the top of its file, its options, and a function that turns
 * options into streams. Accounts that the incident needs in the background are added to the cast first, so
 * that their owners also work; the attacker acts in sessions of their own.
 */

import type { z } from 'zod';

import type { Cast } from '../cast.ts';
import type { EventStream } from '../event-stream.ts';
import { ListedStream } from '../event-stream.ts';
import type { ListedStep } from '../event-stream.ts';
import type { EventWriter, Register } from '../event-writer.ts';
import { writePlainDetail } from '../event-writer.ts';
import type { LabelRecorder } from '../labels.ts';
import type { TheftOptions } from '../options.ts';
import { optionsClash } from '../options.ts';
import type { Permutation, Random } from '../random.ts';
import type { Session } from '../session.ts';

/** What an incident may build on. */
export interface World {
  readonly cast: Cast;
  /** The incident's own stream. */
  readonly random: Random;
  readonly registers: Readonly<Record<Register, Permutation>>;
  readonly label: LabelRecorder;
}

export interface BuiltIncident {
  readonly streams: readonly EventStream[];
  /** First and last malicious event, ms since the epoch. */
  readonly firstEventAt: number;
  readonly lastEventAt: number;
  /** Malicious events. */
  readonly events: number;
}

export interface Incident<T extends z.ZodObject = z.ZodObject> {
  readonly name: string;
  readonly title: string;
  readonly summary: string;
  readonly schema: T;
  build(world: World, options: Readonly<z.output<T>>): BuiltIncident;
}

export interface Volume {
  readonly records: number;
  readonly windowMs: number;
}

/** Records and window of a theft from any two of records, pace and window. */
export function volumeOf(
  scenario: string,
  options: Pick<TheftOptions, 'records' | 'pace' | 'window'>,
  defaults: Volume,
): Volume {
  const { records, pace, window: windowMs } = options;
  if (pace === undefined) {
    return { records: records ?? defaults.records, windowMs: windowMs ?? defaults.windowMs };
  }
  if (windowMs === undefined) {
    const wanted = records ?? defaults.records;
    return { records: wanted, windowMs: Math.max(1, Math.round((wanted / pace) * 1000)) };
  }
  if (records !== undefined) {
    throw optionsClash(
      scenario,
      `records ${records}, pace ${pace} and window ${windowMs} ms are all given`,
      'Give at most two of records, pace and window: the third follows.',
    );
  }
  return { records: Math.max(1, Math.round((pace * windowMs) / 1000)), windowMs };
}

/** Writes down the story around a theft: the few events of the attacker that are no bulk reads. */
export class Story {
  readonly #world: World;
  readonly #ids: Random;
  readonly #steps: ListedStep[] = [];

  constructor(world: World) {
    this.#world = world;
    this.#ids = world.random.split('story event-ids');
  }

  /** A login that opens `session`; `then` is called when it happens. */
  login(time: number, session: Session, action: Uint8Array, then?: () => void): void {
    this.#world.label.addSession(session);
    this.#step(time, session.userId, action, (out) => {
      out.text(session.loginText());
      writePlainDetail(out, 2048, session.loginDetail());
      then?.();
    });
  }

  /** An action within a session that reads no record. `portal`: further fields, each after a comma. */
  act(time: number, session: Session, action: Uint8Array, bytes: number, portal = ''): void {
    this.#step(time, session.userId, action, (out) => {
      out.fragment(session.fragment);
      writePlainDetail(out, bytes, portal);
    });
  }

  /** An action upon another account. */
  actOn(time: number, session: Session, targetUserId: string, action: Uint8Array, portal = ''): void {
    this.#step(time, session.userId, action, (out) => {
      out.text(session.textOn(targetUserId));
      writePlainDetail(out, 1024, portal);
    });
  }

  /** Number of events. */
  get length(): number {
    return this.#steps.length;
  }

  /** ms since the epoch. */
  get firstEventAt(): number {
    return this.#steps.reduce((least, step) => Math.min(least, step.time), Infinity);
  }

  stream(): EventStream {
    return new ListedStream(this.#steps);
  }

  #step(time: number, userId: string, action: Uint8Array, write: (out: EventWriter) => void): void {
    this.#steps.push({
      time,
      write: (out) => {
        out.begin(time, this.#ids, action, userId);
        write(out);
        out.end();
        this.#world.label.noteEvent(out, time);
      },
    });
  }
}
