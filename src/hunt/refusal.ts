/**
 * What a hunt does not ask the archive, because SQL could not answer as the engine does: it is refused, never
 * approximated.
 */

import { VigieError } from '../errors.ts';
import type { RuleMeta } from '../sigma/rule.ts';

/** `place`: where in the rule; `why`: what is there and why SQL cannot do it. */
export function notCompiled(
  { title, key, file, line }: Pick<RuleMeta, 'title' | 'key' | 'file' | 'line'>,
  place: string,
  why: string,
  remedy = OTHER_WAYS,
): VigieError {
  return new VigieError(
    'HUNT_NOT_COMPILED',
    `the rule "${title}" (${key}, ${file}:${line}) cannot be asked of the archive: ${place}: ${why}`,
    { remedy },
  );
}

const OTHER_WAYS =
  'Run the rule over the log itself (vigie eval --rules … --input …), or hunt with a copy of it that does without this.';
