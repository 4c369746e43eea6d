/**
 * The key under which the accounts and addresses of canaries are marked. A key of its own: who sends canaries needs no
 * key of persons, and who has this one can hide alerts about accounts that bear its marks, nothing else.
 */

import { CanaryMarks } from '../canary/marks.ts';
import { givenKey } from './key-file.ts';
import type { Config } from './settings.ts';

/** Under the key that the settings name, if they do. Throws CANARY_KEY_UNREADABLE or CANARY_KEY_INVALID. */
export function canaryMarks(config: Config): CanaryMarks | undefined {
  const key = givenKey(config.canary_key, config.canary_key_file, {
    code: 'CANARY_KEY',
    name: 'canary key',
    places: 'VIGIE_CANARY_KEY_FILE',
    remedy: 'Write 32 hex digits into it, e.g. from `openssl rand -hex 16`, the same for all processes.',
  });
  return key && new CanaryMarks(key);
}
