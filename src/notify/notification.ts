/**
 * The webhook message about an alert, in the form of Standard Webhooks 1.0.0 (standardwebhooks.com). It lets the
 * receiver recognise a repeated delivery (`webhook-id`), a forged one (`webhook-signature`) and an outdated one
 * (`webhook-timestamp`).
 */

import { createHmac } from 'node:crypto';
import { count, instant } from '../figures.ts';
import { plain } from '../plain.ts';
import { NOTIFICATIONS } from '../sink/alert-questions.ts';
import type { AlertView } from '../sink/alert-store.ts';

/**
 * An alert is notified once when it opens, once if nobody acknowledges it, and once when it is over: resolved, or
 * merged into another alert.
 */
export const TOLD = NOTIFICATIONS;
export type Told = (typeof TOLD)[number];

export interface Notification {
  /** The same for every delivery of the same alert and type. */
  readonly id: string;
  /** JSON. */
  readonly body: string;
}

export function notificationOf(alert: AlertView, type: Told): Notification {
  const at = type === 'resolved' ? alert.lastEventAt : alert.detectedAt;
  const body = {
    type: `alert.${type}`,
    timestamp: new Date(at).toISOString(),
    text: textOf(alert, type),
    data: alert,
  };
  return { id: `${alert.alertId}-${type}`, body: JSON.stringify(body) };
}

/** Headers of a delivery at `nowMs`; signed if there is a secret. */
export function headersOf(
  { id, body }: Notification,
  secret: Uint8Array | undefined,
  nowMs: number,
): Record<string, string> {
  const timestamp = String(Math.floor(nowMs / 1000));
  const headers = { 'content-type': 'application/json', 'webhook-id': id, 'webhook-timestamp': timestamp };
  if (secret === undefined) return headers;
  const signature = createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64');
  return { ...headers, 'webhook-signature': `v1,${signature}` };
}

/** Digits of an alert's id that the text shows. */
const SHOWN_DIGITS = 8;
const MOST_ACCOUNTS = 3;

/** One line for a chat. It stays one line whatever the names in the alert contain. */
function textOf(alert: AlertView, type: Told): string {
  const { level, title, group, accounts, applications, persons, records } = alert;
  const { firstEventAt, alertId, mergedInto } = alert;
  const news = {
    opened: '',
    unacknowledged: ', nobody acknowledged it',
    resolved: mergedInto === '' ? ', over' : `, part of ${mergedInto.slice(0, SHOWN_DIGITS)}`,
  };
  const who = Object.values(group).map((value) => value ?? '(none)');
  const others = accounts.filter((account) => !who.includes(account));
  const more = others.length > MOST_ACCOUNTS ? [`and ${count(others.length - MOST_ACCOUNTS)} more`] : [];
  const named = [...others.slice(0, MOST_ACCOUNTS), ...more].join(' ');
  const parts = [
    ...(who.length === 0 ? [] : [who.join(' ')]),
    ...(others.length === 0 ? [] : [`accounts ${named}`]),
    ...applications,
    ...(persons > 0 ? [`${count(persons)} persons`] : []),
    ...(records > 0 ? [`${count(records)} records`] : []),
    `since ${instant(firstEventAt)}`,
    `vigie alerts show ${alertId.slice(0, SHOWN_DIGITS)}`,
  ];
  return plain(`${level}${news[type]}: ${title}: ${parts.join(', ')}`);
}
