/** Programs that are not installed with this project. */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * Whether all of them are on the path. If not, says which and where they come from; in CI that is a failure,
 * because a check that nobody runs is none.
 */
export function havePrograms(names: readonly string[], origin: string): boolean {
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  const missing = names.filter((name) => !folders.some((folder) => existsSync(join(folder, name))));
  if (missing.length === 0) return true;
  const reason = `${missing.join(' and ')} cannot be found: ${origin}`;
  if (process.env['CI'] !== undefined) throw new Error(reason);
  console.warn(`skipped: ${reason}`);
  return false;
}

/**
 * Five correlations that rest on counts and persons alone: what tests of the service's mechanics expect stays what
 * it is when the shipped rules change.
 */
export const FEW_RULES = 'tests/support/few-rules';
