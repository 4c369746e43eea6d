/**
 * What operators do with the stored alerts: list them, show one, and record actions. The database itself (here) and the
 * process that holds it (control.ts) offer the same operations.
 *
 * Actions are only ever added: who did what, when and why stays on record.
 */

import type { Alert } from '../alert/alert.ts';
import type { Clock } from '../clock.ts';
import { VigieError } from '../errors.ts';
import { LEVELS } from '../sigma/rule.ts';
import {
  actionSchema,
  alertFilterSchema,
  alertIdSchema,
  LISTED,
  parseArgument,
  untoldQuestionSchema,
} from './alert-questions.ts';
import type { ActionName, ActionRequest, AlertFilter, UntoldQuestion } from './alert-questions.ts';
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

  /** Closing the store closes the client. */
  constructor(clickHouse: ClickHouse, clock: Clock) {
    this.#clickHouse = clickHouse;
    this.#clock = clock;
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

  close(): Promise<void> {
    return this.#clickHouse.close();
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
