/**
 * Where generated events go: a file with its labels beside it, standard output, or Kafka.
 *
 * Guarantee: an output is never ahead of what its receiver has taken (a slow disk, pipe or broker slows the generator),
 * and when `writeTo` resolves, everything it counts has been taken. A reader that closes the pipe (`| head`) ends the
 * writing quietly.
 */

import { statSync } from 'node:fs';
import { open, writeFile } from 'node:fs/promises';
import type { Writable } from 'node:stream';
import { setImmediate as nextTurn } from 'node:timers/promises';

import type { Clock } from '../src/clock.ts';
import { messageOf, VigieError } from '../src/errors.ts';
import type { EventChunk } from './event-writer.ts';
import type { Generated } from './index.ts';
import type { KafkaOutputOptions } from './kafka-output.ts';
import { openKafka } from './kafka-output.ts';
import type { Labels } from './labels.ts';
import type { PaceOptions, Speed } from './pace.ts';
import { paced } from './pace.ts';

export type Output =
  /** Overwritten. The labels go to `<path>.labels.json`, unless the path is a device or a pipe. */
  | { readonly kind: 'file'; readonly path: string }
  | { readonly kind: 'stream'; readonly stream: Writable }
  | ({ readonly kind: 'kafka' } & KafkaOutputOptions);

/** One open destination. */
export interface OutputWriter {
  /** Takes a chunk. Returns 'closed' if nobody reads any more. */
  write(chunk: EventChunk): Promise<'taken' | 'closed'>;
  /** Resolves once everything has been taken. */
  close(): Promise<void>;
}

interface Progress {
  readonly events: number;
  readonly bytes: number;
  /** Event time reached, ms since the epoch. */
  readonly time: number;
}

export interface WriteOptions {
  readonly clock: Clock;
  /** Default `max`. */
  readonly speed?: Speed;
  readonly signal?: AbortSignal;
  /** Called after every chunk. */
  readonly progress?: (progress: Progress) => void;
  readonly sleep?: NonNullable<PaceOptions['sleep']>;
}

export interface WriteResult {
  /** Events and bytes taken by the output, including duplicates. */
  readonly events: number;
  readonly bytes: number;
  readonly ended: 'complete' | 'aborted' | 'closed';
  readonly labels: Labels;
  /** Only for a file. */
  readonly labelsPath: string | undefined;
}

/** Generates and writes. Throws OUTPUT_FAILED or a `KAFKA_` code. */
export async function writeTo(
  output: Output,
  generated: Generated,
  options: WriteOptions,
): Promise<WriteResult> {
  const { clock, speed = 'max', signal, progress, sleep } = options;
  const writer = await openOutput(output, clock);
  let events = 0;
  let bytes = 0;
  let ended: WriteResult['ended'] = 'complete';
  try {
    const pace = { speed, clock, signal, ...(sleep === undefined ? {} : { sleep }) };
    for await (const chunk of paced(generated.batches(), pace)) {
      if ((await writer.write(chunk)) === 'closed') {
        ended = 'closed';
        break;
      }
      events += chunk.count;
      bytes += chunk.bytes.length;
      progress?.({ events, bytes, time: chunk.times[chunk.count - 1]! });
    }
    if (ended === 'complete' && signal?.aborted === true) ended = 'aborted';
  } catch (error) {
    // The first failure is the one to report, and closing a broken output may fail again.
    await writer.close().catch(() => undefined);
    throw error;
  }
  await writer.close();
  const known = generated.labels();
  const labels = ended === 'complete' ? known : { ...known, complete: false, events };
  let labelsPath: string | undefined;
  if (output.kind === 'file' && statSync(output.path, { throwIfNoEntry: false })?.isFile() !== false) {
    labelsPath = `${output.path}.labels.json`;
    await writeFile(labelsPath, `${JSON.stringify(labels, undefined, 2)}\n`).catch((error: unknown) => {
      throw failed(labelsPath!, error);
    });
  }
  return { events, bytes, ended, labels, labelsPath };
}

async function openOutput(output: Output, clock: Clock): Promise<OutputWriter> {
  switch (output.kind) {
    case 'file':
      return openFile(output.path);
    case 'stream':
      return overStream(output.stream);
    case 'kafka':
      return openKafka(output, clock);
  }
}

async function openFile(path: string): Promise<OutputWriter> {
  const fail = (error: unknown): never => {
    throw failed(path, error);
  };
  const file = await open(path, 'w').catch(fail);
  return {
    write: async (chunk) => {
      await file.writeFile(chunk.bytes).catch(fail);
      return 'taken';
    },
    close: () => file.close().catch(fail),
  };
}

function overStream(stream: Writable): OutputWriter {
  let broken: NodeJS.ErrnoException | undefined;
  const onError = (error: NodeJS.ErrnoException): void => {
    broken = error;
  };
  stream.on('error', onError);
  return {
    write: async (chunk) => {
      if (broken === undefined) {
        await new Promise<void>((resolve) => {
          stream.write(chunk.bytes, (error) => {
            if (error !== undefined && error !== null) broken = error;
            resolve();
          });
        });
      }
      // Files take writes to standard output synchronously: without a turn of the event loop no signal would ever be
      // handled.
      await nextTurn();
      if (broken === undefined) return 'taken';
      if (broken.code === 'EPIPE' || broken.code === 'ERR_STREAM_DESTROYED') return 'closed';
      throw failed('the output', broken);
    },
    close: () => {
      // A pipe that breaks after the last write must not end the process with an uncaught error.
      if (broken === undefined) stream.off('error', onError);
      return Promise.resolve();
    },
  };
}

function failed(place: string, error: unknown): VigieError {
  return new VigieError('OUTPUT_FAILED', `cannot write ${place}: ${messageOf(error)}`, {
    remedy: 'Check that the folder exists, may be written to, and has room.',
    cause: error,
  });
}
