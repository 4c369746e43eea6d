/**
 * The key that marks the accounts and addresses of canaries. It is separate: whoever sends canaries does not need the
 * pseudonym key, and whoever has this one can only hide alerts about accounts that bear its marks.
 */

import { CanaryMarks } from '../canary/marks.ts';
import { givenKey } from './key-file.ts';
import type { Config } from './settings.ts';

/**
 * Marks under the key of the settings; undefined if there is none. Throws CANARY_KEY_UNREADABLE or CANARY_KEY_INVALID.
 */
export function canaryMarks(config: Config): CanaryMarks | undefined {
  const key = givenKey(config.canary_key, config.canary_key_file, {
    code: 'CANARY_KEY',
    name: 'canary key',
    places: 'VIGIE_CANARY_KEY_FILE',
    remedy: 'Write 32 hex digits into it, e.g. from `openssl rand -hex 16`, the same for all processes.',
  });
  return key && new CanaryMarks(key);
}
