/** Programs that are not installed with this project. */

import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * True if all of them are on the path. If not, reports which are missing and where to get them; under CI that is an
 * error, because a check that nobody runs is worthless.
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
 * Five correlations based on counts and persons only. Tests of the service's mechanics expect results that do not
 * change with the shipped rules.
 */
export const FEW_RULES = 'tests/support/few-rules';

/** Fires often on ordinary work, so that every partition has alerts. Its id is the key of its alerts. */
export const QUICK_READS = 'tests/faults/rules/quick-reads.yml';
export const QUICK_READS_ID = '0d6b1f0c-5f0e-4d54-9b1b-2f1d0e9f6a11';
