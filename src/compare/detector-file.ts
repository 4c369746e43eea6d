/** The folder of a detector to compare with: `rule.yml`, one Sigma rule, and `detector.yml`, how it runs. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import { z } from 'zod';
import { messageOf, VigieError } from '../errors.ts';
import { loadRules } from '../files/rule-files.ts';
import { DURATION_FORM, parseDuration } from '../sigma/duration.ts';
import type { RuleSet } from '../sigma/rule.ts';
import type { DetectorSetup } from './tumbling-detector.ts';

const duration = z
  .string()
  .transform((text) => parseDuration(text) ?? Number.NaN)
  .refine((ms) => ms > 0, `expected ${DURATION_FORM}`);

const SETUP = z
  .strictObject({
    window: duration,
    batch: duration,
    mail_read_at: z.string().regex(/^([01]\d|2[0-3]):[0-5]\d$/, "expected a time of day such as '09:00'"),
  })
  .transform(({ window, batch, mail_read_at: clock }): DetectorSetup => {
    const [hours, minutes] = clock.split(':').map(Number) as [number, number];
    return { windowMs: window, batchMs: batch, mailReadAtMs: (60 * hours + minutes) * 60_000 };
  });

/** Throws DETECTOR_INVALID, RULES_UNREADABLE. */
export function readDetector(folder: string): { readonly ruleSet: RuleSet; readonly setup: DetectorSetup } {
  const path = join(folder, 'detector.yml');
  const invalid = (why: string, cause?: unknown): VigieError =>
    new VigieError('DETECTOR_INVALID', `${path}: ${why}`, {
      remedy: 'docs/examples/misconfigured-2025/detector.yml shows the three settings.',
      cause,
    });
  let text: unknown;
  try {
    text = parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
  const { success, data, error } = SETUP.safeParse(text);
  if (!success)
    throw invalid(error.issues.map(({ path: at, message }) => `${at.join('.')}: ${message}`).join('; '));
  const ruleSet = loadRules([join(folder, 'rule.yml')]);
  const fault = ruleSet.faults.find(({ severity }) => severity === 'error');
  if (fault !== undefined)
    throw invalid(`rule.yml:${fault.line}:${fault.column}: ${fault.code}: ${fault.message}`);
  return { ruleSet, setup: data };
}
