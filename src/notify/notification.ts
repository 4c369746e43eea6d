/**
 * What a webhook is told of an alert, in the form of Standard Webhooks 1.0.0 (standardwebhooks.com): who receives it can
 * tell a second delivery from a first (`webhook-id`), a stranger from Vigie (`webhook-signature`), an old one from a
 * new (`webhook-timestamp`).
 */

import { createHmac } from 'node:crypto';
import { count, instant } from '../figures.ts';
import { plain } from '../plain.ts';
import { type AlertView, NOTIFICATIONS } from '../sink/alert-store.ts';

/** An alert is told of once when it opens, once when nobody acknowledges it, and once when it is over: resolved, or merged into another one. */
export const TOLD = NOTIFICATIONS;
export type Told = (typeof TOLD)[number];

export interface Notification {
  /** The same for the same alert and type, however often it is delivered. */
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

/** Headers of a delivery at `nowMs`; signed where there is a secret. */
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

/** Of an id. */
const SHOWN_DIGITS = 8;
const MOST_ACCOUNTS = 3;

/** One line, for a chat: whatever others called themselves, it stays one. */
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
