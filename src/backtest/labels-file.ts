/** Labels of a recorded log: the part of `vigie-labels/1` that a backtest needs, validated. */

import { z } from 'zod';
import { messageOf, VigieError } from '../errors.ts';
import type { LabelledTraffic } from './causes.ts';

const marks = { sessions: z.array(z.string()).default([]), eventIds: z.array(z.string()).default([]) };
type Named = readonly { readonly name: string }[];

const LABELS = z.object({
  format: z.literal('vigie-labels/1'),
  incidents: z
    .array(
      z.object({
        name: z.string().min(1),
        title: z.string().optional(),
        sources: z.array(z.string()).optional(),
        // Strict: a misspelt key would mark nothing, and an absent theft would count as missed.
        malicious: z.strictObject(marks),
      }),
    )
    .superRefine((incidents: Named, context) => {
      // Figures are reported by name.
      for (const [i, { name }] of incidents.entries()) {
        if (incidents.findIndex((other) => other.name === name) === i) continue;
        context.addIssue({
          code: 'custom',
          path: [i, 'name'],
          message: `two incidents are called "${name}"`,
        });
      }
    }),
  confounders: z
    .array(z.strictObject({ name: z.string().min(1), accounts: z.array(z.string()).default([]), ...marks }))
    .optional(),
});

/** Throws LABELS_UNREADABLE or LABELS_INVALID. */
export function readLabels(path: string, read: (path: string, encoding: 'utf8') => string): LabelledTraffic {
  let json: unknown;
  try {
    json = JSON.parse(read(path, 'utf8').replace(/^\ufeff/, ''));
  } catch (cause) {
    throw new VigieError('LABELS_UNREADABLE', `the labels ${path} cannot be read: ${messageOf(cause)}`, {
      remedy: 'Give a JSON file of the format vigie-labels/1, as `vigie replay` writes beside its events.',
      cause,
    });
  }
  const { success, data, error } = LABELS.safeParse(json);
  if (success) return data;
  const faults = error.issues.map(({ path: at, message }) => `${at.join('.') || '(root)'}: ${message}`);
  throw new VigieError('LABELS_INVALID', `${path} is no vigie-labels/1: ${faults.join('; ')}`, {
    remedy:
      'docs/replay.md shows the format; an incident needs a name and malicious.sessions or malicious.eventIds.',
  });
}
