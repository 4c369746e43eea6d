/** A portal's own list of its persons' ids, one per line, and the pseudonyms that they have here. */

import { join } from 'node:path';
import { pseudonymKey } from '../config/pseudonym-key.ts';
import type { Config } from '../config/settings.ts';
import { SipHash } from '../event/siphash.ts';
import { forEachLine } from './inputs.ts';

export const KEY_OF_SETTINGS =
  'The key is that of VIGIE_PSEUDONYM_KEY or VIGIE_PSEUDONYM_KEY_FILE, else the one in the data folder.';

/** Makes no key where there is none: a new one would find nobody. Throws what `pseudonymKey` throws. */
export function personHash(config: Config): SipHash {
  const made = config.kafka_brokers === undefined ? join(config.data_dir, 'pseudonym.key') : undefined;
  const file = config.pseudonym_key_file ?? made;
  return new SipHash(pseudonymKey({ ...config, pseudonym_key_file: file }).key);
}

/** Visits each id of a file with the two words of its pseudonym; nothing is held. Throws INPUT_UNREADABLE. */
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
    (data, start, end) => {
      const id = Buffer.from(data.buffer, data.byteOffset + start, end - start)
        .toString('utf8')
        .trim();
      hash.hashString(id);
      visit(id, hash.out[0]!, hash.out[1]!);
    },
    afterBatch,
  );
}
