/** A portal's own list of its persons' ids, one per line, and their pseudonyms. */

import { join } from 'node:path';
import { pseudonymKey } from '../config/pseudonym-key.ts';
import type { Config } from '../config/settings.ts';
import { VigieError } from '../errors.ts';
import { SipHash } from '../event/siphash.ts';
import { invalidUtf8At } from '../event/utf8.ts';
import { forEachLine } from './inputs.ts';

export const KEY_OF_SETTINGS =
  'The key is that of VIGIE_PSEUDONYM_KEY or VIGIE_PSEUDONYM_KEY_FILE, else the one in the data folder.';

/** Never creates a key: a new one would match nobody. Throws what `pseudonymKey` throws. */
export function personHash(config: Config): SipHash {
  const made = config.kafka_brokers === undefined ? join(config.data_dir, 'pseudonym.key') : undefined;
  const file = config.pseudonym_key_file ?? made;
  return new SipHash(pseudonymKey({ ...config, pseudonym_key_file: file }).key);
}

/**
 * Visits each id of a file with the two words of its pseudonym; holds none of them. Throws INPUT_UNREADABLE,
 * INPUT_NOT_TEXT, IDS_NOT_UTF8.
 */
export async function forEachPersonId(
  path: string,
  what: string,
  hash: SipHash,
  visit: (id: string, hi: number, lo: number) => void,
  afterBatch?: () => Promise<void>,
): Promise<void> {
  await forEachLine(
    path,
    what,
    (data, start, end, line) => {
      if (invalidUtf8At(data, start, end) >= 0) throw notUtf8(path, line);
      const id = Buffer.from(data.buffer, data.byteOffset + start, end - start)
        .toString('utf8')
        .trim();
      hash.hashString(id);
      visit(id, hash.out[0]!, hash.out[1]!);
    },
    afterBatch,
  );
}

/** The replacement of unreadable bytes would have a pseudonym too, which matches nobody. */
function notUtf8(path: string, line: number): VigieError {
  const place = path === '-' ? 'standard input' : path;
  return new VigieError('IDS_NOT_UTF8', `line ${line + 1} of ${place} is not UTF-8`, {
    remedy: 'Convert it: iconv -f WINDOWS-1252 -t UTF-8',
  });
}
