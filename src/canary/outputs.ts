/** Where canaries are written: the topic that the portals write to, or the end of a log file. */

import { appendFile, open, stat } from 'node:fs/promises';
import { messageOf, VigieError } from '../errors.ts';
import { TopicWriter, type WrittenTopic } from '../sink/topic-writer.ts';
import type { CanaryEvent } from './canary.ts';

export interface CanaryOutput {
  /** Throws a VigieError. */
  send(events: readonly CanaryEvent[]): Promise<void>;
  close(): Promise<void>;
}

/** Messages per request. */
const MESSAGES = 500;

/** Keyed by account, like the portals' events. Throws TOPIC_MISSING and `KAFKA_` codes. */
export async function toTopic(options: WrittenTopic): Promise<CanaryOutput> {
  const writer = new TopicWriter(options);
  const { topic } = options;
  try {
    await writer.open((_, isThere) => {
      if (isThere) return Promise.resolve();
      throw new VigieError('TOPIC_MISSING', `there is no topic ${topic}`, {
        remedy:
          'Name the topic that the portals write to (VIGIE_TOPIC), or create it: vigie topics create --input.',
      });
    });
  } catch (error) {
    await writer.close();
    throw error;
  }
  return {
    send: async (events) => {
      for (let from = 0; from < events.length; from += MESSAGES) {
        await writer.send(
          events.slice(from, from + MESSAGES).map(({ account, time, json }) => ({
            key: account ?? null,
            value: json,
            timestamp: String(time),
          })),
        );
      }
    },
    close: () => writer.close(),
  };
}

/** Throws OUTPUT_FAILED, also if the log does not exist: nobody would be reading it. */
export async function toFile(path: string): Promise<CanaryOutput> {
  const failed = (error: unknown): never => {
    throw new VigieError('OUTPUT_FAILED', `cannot add to ${path}: ${messageOf(error)}`, {
      remedy: 'Name the log of events that "vigie run" reads, and let this user write to it.',
      cause: error,
    });
  };
  await stat(path).catch(failed);
  return {
    send: async (events) => {
      const lines = events.map(({ json }) => `${json}\n`).join('');
      try {
        await appendFile(path, (await endsInLine(path)) ? `\n${lines}` : lines);
      } catch (error) {
        failed(error);
      }
    },
    close: () => Promise.resolve(),
  };
}

/** True if the last line is unterminated: an appended event would join it, and neither could be read. */
async function endsInLine(path: string): Promise<boolean> {
  const { size } = await stat(path);
  if (size === 0) return false;
  const file = await open(path, 'r');
  try {
    const { buffer } = await file.read(Buffer.alloc(1), 0, 1, size - 1);
    return buffer[0] !== NEWLINE;
  } finally {
    await file.close();
  }
}

const NEWLINE = 0x0a;
