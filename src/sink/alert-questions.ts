/** What operators may ask of the stored alerts, and how it is checked, whoever asks: a user, or another process. */

import { z } from 'zod';
import { VigieError } from '../errors.ts';
import { LEVELS } from '../sigma/rule.ts';

const ACTIONS = ['acknowledge', 'assign', 'comment', 'close', 'export', 'notify'] as const;
export type ActionName = (typeof ACTIONS)[number];

const MOST_TEXT = 10_000;
const TEXT_TOO_LONG = 'expected at most 10,000 characters';
const text = z.string('expected a text').trim().max(MOST_TEXT, TEXT_TOO_LONG);

/** How many alerts a list returns: by default, and at most. */
export const LISTED = { byDefault: 100, most: 100_000 } as const;

export const alertFilterSchema = z.strictObject({
  /** Default: everything but merged alerts. */
  status: z.enum(['firing', 'resolved', 'merged']).optional(),
  state: z.enum(['new', 'acknowledged', 'closed']).optional(),
  level: z.enum(LEVELS).optional(),
  /** Id or title. */
  rule: z.string().optional(),
  /**
   * Only alerts with this group-by value (an account, an organisation, an address), or in which this account took part.
   * Compared as it is: white space is significant in groups.
   */
  who: z.string().max(MOST_TEXT, TEXT_TOO_LONG).optional(),
  /**
   * Only alerts that no more telling alert of the same group inhibits. With status `firing`, also those whose
   * inhibiting alert, the first on record, is over.
   */
  top: z.boolean().optional(),
  /** Only alerts about canaries. Default: none of those. */
  canary: z.boolean().optional(),
  /** Only alerts whose last event is at or after this time, ms since the epoch. */
  since: z.number().optional(),
  /** One more than a list may return shows whether there are more. */
  limit: z
    .int()
    .min(1)
    .max(LISTED.most + 1)
    .optional(),
});

/** Notifications about an alert, each sent once. */
export const NOTIFICATIONS = ['opened', 'unacknowledged', 'resolved'] as const;

export const untoldQuestionSchema = z.strictObject({
  type: z.enum(NOTIFICATIONS),
  /** For `opened`. */
  levels: z.array(z.enum(LEVELS)).min(1),
  /** For `opened`: only alerts detected at or after this time, ms since the epoch. */
  since: z.number(),
  /**
   * For `unacknowledged`: only alerts whose opening was notified from `since` until before this, ms since the epoch.
   */
  before: z.number().optional(),
  /** Only alerts with a greater id. */
  after: z.string().optional(),
  limit: z.int().min(1).max(1000),
});
export type UntoldQuestion = z.infer<typeof untoldQuestionSchema>;

export const alertIdSchema = z
  .string()
  .regex(
    /^[0-9a-fA-F]{1,32}$/,
    'expected up to 32 hexadecimal digits, the id of an alert or the beginning of one',
  );

export const actionSchema = z
  .strictObject({
    /** An alert's id, or an unambiguous prefix of one. */
    alertId: alertIdSchema,
    action: z.enum(ACTIONS),
    actor: text.min(1, 'expected who acts'),
    assignee: text.optional(),
    reason: text.optional(),
    persons: z.int().min(1).optional(),
    identified: z.int().min(0).optional(),
  })
  .refine((it) => it.action !== 'assign' || Boolean(it.assignee), {
    path: ['assignee'],
    error: 'expected who is to look into it',
  })
  .refine((it) => !['comment', 'close'].includes(it.action) || Boolean(it.reason), {
    path: ['reason'],
    error: 'expected a text that is not empty',
  })
  .refine((it) => it.action !== 'notify' || NOTIFICATIONS.some((type) => type === it.reason), {
    path: ['reason'],
    error: `expected one of ${NOTIFICATIONS.join(', ')}`,
  })
  .refine((it) => (it.action === 'export') === (it.persons !== undefined), {
    path: ['persons'],
    error: 'expected how many are listed, of an export',
  });

export type AlertFilter = z.infer<typeof alertFilterSchema>;
export type ActionRequest = z.infer<typeof actionSchema>;

/** What users call the arguments. */
const ARGUMENT_NAMES: Readonly<Record<string, string>> = {
  alertId: 'ID',
  actor: '--by',
  assignee: '--to',
  reason: '--reason',
  rule: '--rule',
  who: '--who',
};
const SHOWN_VALUE = 60;

/** Checks an argument from a user or another process. Throws VigieError ARGUMENT_INVALID. */
export function parseArgument<T>(schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map(({ path: [key], message }) => {
    // No object: the id itself.
    const name = key === undefined ? (typeof value === 'string' ? 'ID' : undefined) : String(key);
    if (name === undefined) return message;
    const given = key === undefined ? value : (value as Record<PropertyKey, unknown>)[key];
    return `${ARGUMENT_NAMES[name] ?? name} ${shown(given)}: ${message}`;
  });
  throw new VigieError('ARGUMENT_INVALID', faults.join('; '), {
    remedy: '"vigie alerts --help" lists the arguments.',
  });
}

function shown(value: unknown): string {
  if (value === undefined) return '(none)';
  const text = JSON.stringify(value);
  return text.length <= SHOWN_VALUE ? text : `${text.slice(0, SHOWN_VALUE)}…`;
}
