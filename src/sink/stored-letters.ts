/**
 * Dead letters as they are kept, to be looked at and sent again: the same for the topic and for the file.
 *
 * Guarantee: a letter that was sent again is known as such from then on, and is not chosen a second time.
 */

import { createHash } from 'node:crypto';
import type { DeadLetter } from './sink.ts';

export interface StoredLetter {
  /** See `letterKey`: the same key, the same letter. */
  readonly key: string;
  readonly code: string;
  /** May quote the input, and with it a person's id. */
  readonly message: string;
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  /** When it was written, ms since the epoch. */
  readonly atMs: number;
  /** The original bytes, or the beginning of them. */
  readonly bytes: Buffer;
  /** Their number before they were cut; undefined when they are whole. */
  readonly cutFrom: number | undefined;
}

/**
 * `<source>/<partition>/<offset>/<hash of the bytes>`. What was read twice has the same letters twice. But a topic may
 * be deleted and created again, tomorrow's log may have today's name, and every pipe is `stdin`: other bytes in the
 * same place are another letter.
 */
export function letterKey({
  source,
  partition,
  offset,
  bytes,
}: Pick<DeadLetter, 'source' | 'partition' | 'offset' | 'bytes'>): string {
  const hash = createHash('sha256').update(bytes).digest('hex').slice(0, 16);
  return `${source}/${partition}/${offset}/${hash}`;
}

export interface LetterStore {
  /** Shown to people. */
  readonly name: string;
  /** Every letter, oldest first; the next one once the visitor is done. */
  letters(visit: (letter: StoredLetter) => Promise<void> | void): Promise<void>;
  /** Keys of what was sent again → when, ms since the epoch. */
  sent(): Promise<ReadonlyMap<string, number>>;
  /** To be called by who is to send, before it looks at what was sent: from then on nobody else does. */
  claim(): Promise<void>;
  /** Sends the original bytes again and keeps that it was done. */
  send(letters: readonly StoredLetter[]): Promise<void>;
  close(): Promise<void>;
}

export interface LetterFilter {
  readonly codes: readonly string[];
  /** Written at this time or later, and before that time, ms since the epoch. */
  readonly since: number | undefined;
  readonly until: number | undefined;
}

export function matches({ codes, since, until }: LetterFilter, letter: StoredLetter): boolean {
  return (
    (codes.length === 0 || codes.includes(letter.code)) &&
    (since === undefined || letter.atMs >= since) &&
    (until === undefined || letter.atMs < until)
  );
}

export interface Replayed {
  sent: number;
  /** Of those chosen: cut, so that they would only become dead letters again. */
  cut: number;
  /** Sent again earlier. */
  earlier: number;
  /** Beyond the limit. */
  left: number;
}

/** Letters in hand at once, bytes; also what goes in one transaction. */
const GROUP_BYTES = 512 * 1024;

/** Sends at most `limit` of the letters that the filter takes. With `dryRun` it only counts. */
export async function replayLetters(
  store: LetterStore,
  filter: LetterFilter,
  limit: number,
  dryRun: boolean,
): Promise<Replayed> {
  if (!dryRun) await store.claim();
  const sent = await store.sent();
  const seen = new Set<string>();
  const counts: Replayed = { sent: 0, cut: 0, earlier: 0, left: 0 };
  let group: StoredLetter[] = [];
  let bytes = 0;
  const flush = async (): Promise<void> => {
    const letters = group;
    group = [];
    bytes = 0;
    if (letters.length > 0 && !dryRun) await store.send(letters);
    counts.sent += letters.length;
  };
  await store.letters(async (letter) => {
    if (!matches(filter, letter)) return;
    // Written twice, as after a restart.
    if (seen.has(letter.key)) return;
    seen.add(letter.key);
    if (sent.has(letter.key)) {
      counts.earlier += 1;
      return;
    }
    if (letter.cutFrom !== undefined) {
      counts.cut += 1;
      return;
    }
    if (counts.sent + group.length >= limit) {
      counts.left += 1;
      return;
    }
    if (bytes + letter.bytes.length > GROUP_BYTES) await flush();
    group.push(letter);
    bytes += letter.bytes.length;
  });
  await flush();
  return counts;
}
