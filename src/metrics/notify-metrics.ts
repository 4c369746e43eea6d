/** What `vigie notify` delivered, and what it could not deliver. */

import type { MetricDefinition } from './definition.ts';

export const NOTIFY_METRICS = {
  notifications: {
    name: 'vigie_notifications_total',
    type: 'counter',
    labels: ['kind'],
    unit: 'notifications',
    help: 'Notifications that the receiver took, of alerts that opened, that nobody acknowledged, or that were resolved.',
  },
  notificationFailures: {
    name: 'vigie_notification_failures_total',
    type: 'counter',
    labels: ['code'],
    unit: 'attempts',
    help: 'Attempts to notify that failed and are made again: the receiver, the way there or the database.',
  },
  notificationsLeftOut: {
    name: 'vigie_notifications_left_out_total',
    type: 'counter',
    labels: [],
    unit: 'alerts',
    help: 'Alerts that became too old while their opening could not be told: nobody was told of them.',
  },
} as const satisfies Record<string, MetricDefinition>;
