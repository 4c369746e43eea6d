/**
 * Dead letters as stored, to be inspected and sent again; the same for topic and file.
 *
 * Guarantee: a letter that was sent again is known as such from then on, and is not selected a second time.
 */

import { createHash } from 'node:crypto';
import type { DeadLetter } from './sink.ts';

export interface StoredLetter {
  /** See `letterKey`: the same key means the same letter. */
  readonly key: string;
  readonly code: string;
  /** May quote the input, and thus a person's id. */
  readonly message: string;
  readonly source: string;
  readonly partition: number;
  readonly offset: number;
  /** When the letter was written, ms since the epoch. */
  readonly atMs: number;
  /** The original bytes, or their beginning. */
  readonly bytes: Buffer;
  /** Length of the original bytes; undefined if they are whole. */
  readonly cutFrom: number | undefined;
}

/**
 * `<source>/<partition>/<offset>/<hash of the bytes>`. Input that is read twice gives the same letters twice. The hash
 * is needed because a topic may be deleted and created again, tomorrow's log may have today's name, and every pipe is
 * `stdin`: other bytes in the same place are another letter.
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
  /** Name shown to people. */
  readonly name: string;
  /** Visits every letter, oldest first (per partition of a topic), one at a time. */
  letters(visit: (letter: StoredLetter) => Promise<void> | void): Promise<void>;
  /** Keys of letters that were sent again → when, ms since the epoch. */
  sent(): Promise<ReadonlyMap<string, number>>;
  /** Claims the right to send. Call it before `sent`: from then on nobody else sends, if the store can ensure it. */
  claim(): Promise<void>;
  /** Sends the original bytes again and records that. */
  send(letters: readonly StoredLetter[]): Promise<void>;
  close(): Promise<void>;
}

export interface LetterFilter {
  readonly codes: readonly string[];
  /** Written at or after `since` and before `until`, ms since the epoch. */
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
  /** Selected, but cut: they would only become dead letters again. */
  cut: number;
  /** Already sent again. */
  earlier: number;
  /** Beyond the limit. */
  left: number;
}

/** Size of the letters held at once, bytes, and thus of a transaction. */
const GROUP_BYTES = 512 * 1024;

/** Sends at most `limit` of the letters that pass the filter. With `dryRun` only counts them. */
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
