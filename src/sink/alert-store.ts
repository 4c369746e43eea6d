/**
 * What operators do with the stored alerts: list them, show one, and record actions. The database itself (here) and the
 * process that holds it (control.ts) offer the same operations.
 *
 * Actions are only ever added: who did what, when and why stays on record.
 */

import { z } from 'zod';
import type { Alert } from '../alert/alert.ts';
import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import { LEVELS } from '../sigma/rule.ts';
import { ALERT_SELECT_LIST, alertFromRow } from './alert-row.ts';
import { archiveHunt, huntQuestionSchema } from './archive-hunt.ts';
import type { HuntAnswer, HuntQuestion } from './archive-hunt.ts';
import { archivedReads, archiveSpan, readsQuestionSchema } from './archive-reads.ts';
import type { ArchiveSpan, ReadsPage, ReadsQuestion } from './archive-reads.ts';
import { failing } from './classify.ts';
import type { ClickHouse } from './client.ts';
import { insertRows, selectRows } from './json-rows.ts';

/** The current row of an alert, with what people did about it. Times are ms since the epoch, null for never. */
export interface AlertView extends Alert {
  /** The newest of acknowledge and close, else `new`. */
  readonly state: 'new' | 'acknowledged' | 'closed';
  /** Empty if nobody. */
  readonly assignee: string;
  /** Who acknowledged first, and when: from then on the persons in charge are aware. */
  readonly acknowledgedBy: string;
  readonly acknowledgedAt: number | null;
  /**
   * Deadline for notifying a breach of personal data, if it is one: 72 hours after the first acknowledgement, or after
   * the detection while nobody has acknowledged.
   */
  readonly notifyBy: number;
  readonly closedBy: string;
  readonly closedAt: number | null;
  readonly closeReason: string;
  readonly comments: number;
}

interface AlertAction {
  /** The alert on which the action was recorded: the one shown, or one that was merged into it. */
  readonly alertId: string;
  readonly action: ActionName;
  readonly actor: string;
  readonly assignee: string;
  readonly reason: string;
  /** For an export: how many persons were listed, and how many of them with their id in the portal. */
  readonly persons?: number;
  readonly identified?: number;
  readonly at: number;
}

export interface AlertDetail extends AlertView {
  /** Oldest first. */
  readonly actions: readonly AlertAction[];
  /** Ids of the alerts that were merged into this one, directly or through others. */
  readonly mergedFrom: readonly string[];
}

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

/** Methods throw VigieError: ALERT_NOT_FOUND, ALERT_ID_AMBIGUOUS, ARGUMENT_INVALID, or a failure of ClickHouse. */
export interface AlertStore {
  /** Newest last event first; among alerts with the same last event time, highest level first. */
  list(filter: AlertFilter): Promise<readonly AlertView[]>;
  show(idOrPrefix: string): Promise<AlertDetail>;
  /** Records an action and returns the alert as it is afterwards. */
  act(request: ActionRequest): Promise<AlertDetail>;
  /**
   * Alerts with a notification still due, ordered by id, without canaries: `opened` for alerts that are not inhibited;
   * once that is on record, `unacknowledged` for alerts that nobody acknowledged or closed, and `resolved` for those
   * resolved or merged.
   */
  untold(question: UntoldQuestion): Promise<readonly AlertView[]>;
  /** The time span of the archive; null if nothing is archived. */
  archive(): Promise<ArchiveSpan | null>;
  /** One page of archived reads. */
  reads(question: ReadsQuestion): Promise<ReadsPage>;
  /** Runs a hunt over the archive. */
  hunt(question: HuntQuestion): Promise<HuntAnswer>;
  close(): Promise<void>;
}

type Row = Record<string, unknown>;

const VIEW_SELECT_LIST = `${ALERT_SELECT_LIST}, state, assignee, acknowledged_by AS acknowledgedBy,
toUnixTimestamp64Milli(acknowledged_at) AS acknowledgedAt, closed_by AS closedBy,
toUnixTimestamp64Milli(closed_at) AS closedAt, close_reason AS closeReason, comments,
toUnixTimestamp64Milli(notify_by) AS notifyBy`;

export class ClickHouseAlertStore implements AlertStore {
  readonly #clickHouse: ClickHouse;
  readonly #clock: Clock;
  readonly #ownsClient: boolean;

  /** `ownsClient`: closing the store closes the client. */
  constructor(clickHouse: ClickHouse, clock: Clock, ownsClient: boolean) {
    this.#clickHouse = clickHouse;
    this.#clock = clock;
    this.#ownsClient = ownsClient;
  }

  async list(filter: AlertFilter): Promise<readonly AlertView[]> {
    const wanted = parseArgument(alertFilterSchema, filter);
    const conditions = [
      wanted.canary === true ? 'canary' : 'NOT canary',
      wanted.status === undefined ? `status != 'merged'` : 'status = {status:String}',
    ];
    if (wanted.state !== undefined) conditions.push('state = {state:String}');
    if (wanted.level !== undefined) conditions.push('level = {level:String}');
    if (wanted.rule !== undefined) conditions.push('(rule = {rule:String} OR title = {rule:String})');
    if (wanted.who !== undefined)
      conditions.push('(has(mapValues(group_fields), {who:String}) OR has(accounts, {who:String}))');
    if (wanted.top === true) {
      // An alert that is over may still inhibit a firing one.
      const firing = `SELECT alert_id FROM ${this.#table('alerts_with_state')} WHERE status = 'firing'`;
      const parts = `SELECT alert_id FROM ${this.#table('alert_merges')} WHERE merged_into IN (${firing})`;
      conditions.push(
        wanted.status === 'firing'
          ? `inhibited_by NOT IN (${firing} UNION ALL ${parts})`
          : `inhibited_by = ''`,
      );
    }
    if (wanted.since !== undefined)
      conditions.push('last_event_at >= fromUnixTimestamp64Milli({since:Int64})');
    const rows = await this.#rows(
      `SELECT ${VIEW_SELECT_LIST} FROM ${this.#table('alerts_with_state')} WHERE ${conditions.join(' AND ')}
ORDER BY last_event_at DESC, indexOf(['${LEVELS.join(`','`)}'], level) DESC, alert_id LIMIT {limit:UInt32}`,
      paramsOf(wanted),
    );
    return rows.map(viewFromRow);
  }

  async show(idOrPrefix: string): Promise<AlertDetail> {
    const prefix = parseArgument(alertIdSchema, idOrPrefix).toLowerCase();
    const rows = await this.#rows(
      `SELECT ${VIEW_SELECT_LIST} FROM ${this.#table('alerts_with_state')}
WHERE startsWith(alert_id, {prefix:String}) ORDER BY alert_id LIMIT 6`,
      { prefix },
    );
    const [row, second] = rows;
    if (row === undefined) {
      throw new VigieError('ALERT_NOT_FOUND', `no alert has an id that begins with ${prefix}`, {
        remedy: '"vigie alerts list" shows the ids.',
      });
    }
    if (second !== undefined) {
      const ids = rows.slice(0, 5).map((it) => String(it['alertId']));
      throw new VigieError(
        'ALERT_ID_AMBIGUOUS',
        `several alerts have an id that begins with ${prefix}: ${ids.join(', ')}${rows.length > 5 ? ', …' : ''}`,
        { remedy: 'Give more digits of the id.' },
      );
    }
    const view = viewFromRow(row);
    const id = { id: view.alertId };
    const merged = await this.#rows(
      `SELECT DISTINCT alert_id AS alertId FROM ${this.#table('alert_merges')}
WHERE merged_into = {id:String} AND alert_id != {id:String} ORDER BY alert_id`,
      id,
    );
    const mergedFrom = merged.map((it) => String(it['alertId']));
    const actions = await this.#rows(
      `SELECT alert_id AS alertId, action, actor, assignee, reason, persons, identified, toUnixTimestamp64Milli(at) AS atMs
FROM ${this.#table('alert_actions')}
WHERE alert_id = {id:String}
  OR alert_id IN (SELECT alert_id FROM ${this.#table('alert_merges')} WHERE merged_into = {id:String})
ORDER BY at, alert_id, action`,
      id,
    );
    return { ...view, mergedFrom, actions: actions.map(actionFromRow) };
  }

  async act(request: ActionRequest): Promise<AlertDetail> {
    const { alertId, ...said } = parseArgument(actionSchema, request);
    const alert = await this.show(alertId);
    // The newest action decides the state, so two successive actions must not share a millisecond.
    const at = Math.max(this.#clock.now(), (alert.actions.at(-1)?.at ?? 0) + 1);
    const row = { alert_id: alert.alertId, ...said, at };
    await insertRows(this.#clickHouse, 'alert_actions', [row]).catch(
      failing(`recording ${said.action}`, this.#clickHouse),
    );
    return this.show(alert.alertId);
  }

  async untold(question: UntoldQuestion): Promise<readonly AlertView[]> {
    const { since, before = since, after = '', ...wanted } = parseArgument(untoldQuestionSchema, question);
    const told = `(SELECT alert_id, groupUniqArray(reason) AS kinds, minIf(at, reason = 'opened') AS told_at FROM ${this.#table('alert_actions')} WHERE action = 'notify' GROUP BY alert_id)`;
    const openingTold = `SELECT alert_id FROM ${told} WHERE has(kinds, 'opened') AND NOT has(kinds, {type:String})`;
    const waits = {
      opened: `status != 'merged' AND detected_at >= fromUnixTimestamp64Milli({since:Int64}) AND level IN {levels:Array(String)} AND inhibited_by = ''
  AND alert_id NOT IN (SELECT alert_id FROM ${told} WHERE has(kinds, 'opened'))`,
      // Late notifications leave as much time as others.
      unacknowledged: `status != 'merged' AND state = 'new' AND inhibited_by = '' AND alert_id IN (${openingTold}
    AND told_at >= fromUnixTimestamp64Milli({since:Int64}) AND told_at < fromUnixTimestamp64Milli({before:Int64}))`,
      // Whoever was notified of an opening is notified of its end, whatever became of the alert meanwhile.
      resolved: `status != 'firing' AND alert_id IN (${openingTold})`,
    };
    const rows = await this.#rows(
      `SELECT ${VIEW_SELECT_LIST} FROM ${this.#table('alerts_with_state')}
WHERE NOT canary AND alert_id > {after:String} AND ${waits[wanted.type]}
ORDER BY alert_id LIMIT {limit:UInt32}`,
      { ...wanted, after, since: Math.ceil(since), before: Math.ceil(before) },
    );
    return rows.map(viewFromRow);
  }

  async archive(): Promise<ArchiveSpan | null> {
    return (await archiveSpan(this.#clickHouse)) ?? null;
  }

  reads(question: ReadsQuestion): Promise<ReadsPage> {
    return archivedReads(this.#clickHouse, parseArgument(readsQuestionSchema, question));
  }

  hunt(question: HuntQuestion): Promise<HuntAnswer> {
    return archiveHunt(this.#clickHouse, parseArgument(huntQuestionSchema, question));
  }

  async close(): Promise<void> {
    if (this.#ownsClient) await this.#clickHouse.close();
  }

  #table(name: string): string {
    return `${this.#clickHouse.database}.${name}`;
  }

  #rows(query: string, params: Record<string, unknown>): Promise<Row[]> {
    return selectRows<Row>(this.#clickHouse, query, params).catch(
      failing('reading alerts', this.#clickHouse),
    );
  }
}

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

function paramsOf(filter: AlertFilter): Record<string, unknown> {
  const { limit = LISTED.byDefault, since, top: _top, canary: _canary, ...texts } = filter;
  return { ...texts, limit, ...(since === undefined ? {} : { since: Math.ceil(since) }) };
}

function viewFromRow(row: Row): AlertView {
  const state = row['state'];
  return {
    ...alertFromRow(row),
    state: state === 'acknowledged' || state === 'closed' ? state : 'new',
    assignee: String(row['assignee']),
    acknowledgedBy: String(row['acknowledgedBy']),
    acknowledgedAt: timeOrNull(row['acknowledgedAt']),
    notifyBy: Number(row['notifyBy']),
    closedBy: String(row['closedBy']),
    closedAt: timeOrNull(row['closedAt']),
    closeReason: String(row['closeReason']),
    comments: Number(row['comments']),
  };
}

function actionFromRow(row: Row): AlertAction {
  const action = row['action'] as ActionName;
  return {
    alertId: String(row['alertId']),
    action,
    actor: String(row['actor']),
    assignee: String(row['assignee']),
    reason: String(row['reason']),
    ...(action === 'export'
      ? { persons: Number(row['persons']), identified: Number(row['identified']) }
      : {}),
    at: Number(row['atMs']),
  };
}

/** The view returns the epoch where nothing happened. */
function timeOrNull(value: unknown): number | null {
  return Number(value) === 0 ? null : Number(value);
}
