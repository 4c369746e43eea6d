/**
 * Replays a recorded log: the unchanged lines of an NDJSON file, keyed and timed like generated events. A line that is
 * not an event is sent too, with the time of the event before it, or of the first one: judging it is not this tool's task.
 */

import { closeSync, existsSync, fstatSync, openSync, readFileSync, readSync } from 'node:fs';

import { messageOf, VigieError } from '../src/errors.ts';
import { textOf } from '../src/detect/values.ts';
import { createDecoder } from '../src/event/create-decoder.ts';
import { LineSplitter } from '../src/event/lines.ts';
import { FieldTable } from '../src/event/record.ts';
import { requireText } from '../src/source/not-text.ts';
import type { EventChunk } from './event-writer.ts';
import type { Generated } from './index.ts';
import type { Labels } from './labels.ts';

const CHUNK_BYTES = 1024 * 1024;
const LINE_FEED = Uint8Array.of(0x0a);

export interface Recorded extends Generated {
  /** Size of the file. */
  readonly bytes: number;
}

/**
 * Opens an NDJSON file. Its labels are those beside it, if any. Throws INPUT_UNREADABLE, INPUT_NOT_TEXT,
 * LABELS_UNREADABLE.
 */
export function recorded(path: string, timestampField: string): Recorded {
  const unreadable = (error: unknown): VigieError =>
    new VigieError('INPUT_UNREADABLE', `cannot read ${path}: ${messageOf(error)}`, {
      remedy: 'Name a scenario or a readable NDJSON file; `vigie replay --list` lists the scenarios.',
      cause: error,
    });
  let file: number;
  let bytes: number;
  let modifiedAt: number;
  const buffer = new Uint8Array(CHUNK_BYTES);
  let read: number;
  try {
    file = openSync(path, 'r');
    const stat = fstatSync(file);
    if (stat.isDirectory()) throw new Error('it is a folder');
    bytes = stat.size;
    modifiedAt = Math.floor(stat.mtimeMs);
    read = readSync(file, buffer);
  } catch (error) {
    throw unreadable(error);
  }
  // Checked before anything is written, so that faulty labels are reported at once.
  requireText(path, buffer.subarray(0, read), false);
  const labels = labelsBeside(path);
  let events = 0;
  return {
    bytes,
    *batches() {
      const lines = new LineCollector(timestampField, modifiedAt);
      const splitter = new LineSplitter();
      try {
        for (; read > 0; read = readSync(file, buffer)) {
          splitter.push(buffer.subarray(0, read), lines.take);
          if (lines.count === 0) continue;
          events += lines.count;
          yield lines.chunk();
        }
        splitter.finish(lines.take);
        events += lines.count;
        if (lines.count > 0) yield lines.chunk();
      } catch (error) {
        throw error instanceof VigieError ? error : unreadable(error);
      } finally {
        closeSync(file);
      }
    },
    labels: () => labels ?? noLabels(path, events),
  };
}

class LineCollector {
  readonly #fields = new FieldTable();
  readonly #userSlot = this.#fields.slot('user.id');
  readonly #decoder;
  readonly #record;
  #pieces: Uint8Array[] = [];
  #ends: number[] = [];
  #keys: string[] = [];
  #times: number[] = [];
  #length = 0;
  #lastTime: number;
  #hasEvent = false;

  /** `noEventAt`: time of a chunk before the first event, ms since the epoch. */
  constructor(timestampField: string, noEventAt: number) {
    this.#lastTime = noEventAt;
    this.#decoder = createDecoder({
      fields: this.#fields,
      timestampField,
      timeRequired: true,
      maxEventBytes: Infinity,
      personFields: [],
      // Nothing is hashed, as only times and accounts are read.
      pseudonymKey: new Uint8Array(16),
    });
    this.#record = this.#fields.newRecord();
  }

  get count(): number {
    return this.#ends.length;
  }

  readonly take = (data: Uint8Array, start: number, end: number): void => {
    const read = this.#decoder.decode(data, start, end, this.#record) === undefined;
    if (read) {
      this.#lastTime = this.#record.time;
      if (!this.#hasEvent) this.#times.fill(this.#lastTime);
      this.#hasEvent = true;
    }
    this.#pieces.push(data.slice(start, end), LINE_FEED);
    this.#length += end - start + 1;
    this.#ends.push(this.#length);
    this.#keys.push(read ? (textOf(this.#record.slots[this.#userSlot]) ?? '') : '');
    this.#times.push(this.#lastTime);
  };

  chunk(): EventChunk {
    const chunk = {
      bytes: Buffer.concat(this.#pieces, this.#length),
      count: this.count,
      ends: Uint32Array.from(this.#ends),
      keys: this.#keys,
      times: Float64Array.from(this.#times),
    };
    this.#pieces = [];
    this.#ends = [];
    this.#keys = [];
    this.#times = [];
    this.#length = 0;
    return chunk;
  }
}

/** Throws LABELS_UNREADABLE. */
function labelsBeside(path: string): Labels | undefined {
  const beside = `${path}.labels.json`;
  if (existsSync(beside)) {
    try {
      return JSON.parse(readFileSync(beside, 'utf8').replace(/^\ufeff/, '')) as Labels;
    } catch (error) {
      throw new VigieError('LABELS_UNREADABLE', `cannot read ${beside}: ${messageOf(error)}`, {
        remedy: 'Correct the labels beside the file, or take them away: the events can be sent without.',
        cause: error,
      });
    }
  }
  return undefined;
}

function noLabels(path: string, events: number): Labels {
  return {
    format: 'vigie-labels/1',
    scenario: path,
    seed: '',
    options: {},
    complete: true,
    events,
    incidents: [],
    confounders: [],
  };
}
