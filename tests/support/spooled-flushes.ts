/**
 * An imaginary run of the pipeline as its sink sees it: in each flush the states of some alerts, which grow and are
 * resolved, and archived events. The same number gives the same rows, so an interrupted run can continue.
 */

import type { Alert } from '../../src/alert/alert.ts';
import type { AlertSink, ArchivedEvent } from '../../src/sink/sink.ts';
import { alertFixture } from './alert-fixture.ts';

const T0 = Date.UTC(2025, 6, 12, 19);
/** Number of flushes that contain an alert. */
const STATES = 5;

export function alertsOf(flush: number): Alert[] {
  return Array.from({ length: STATES }, (_, age) => flush - age)
    .filter((opening) => opening >= 0)
    .map((opening) =>
      alertFixture({
        alertId: `alert-${opening}`,
        version: 1 + flush - opening,
        events: 10 * (1 + flush - opening),
        status: flush - opening === STATES - 1 ? 'resolved' : 'firing',
      }),
    );
}

export function eventsOf(flush: number): ArchivedEvent[] {
  return Array.from({ length: 50 }, (_, i) => ({
    eventId: `event-${flush}-${i}`,
    time: T0 + flush * 1000 + i,
    fields: { 'user.id': `u-${i}`, 'portal.records.ids': ['00112233445566ff'], 'service.name': 'kairos é😀' },
  }));
}

/** Writes in the order of the pipeline; resolves when the flush may be committed. */
export async function writeFlush(sink: AlertSink, flush: number): Promise<void> {
  await sink.writeAlerts(alertsOf(flush));
  await sink.writeEvents(eventsOf(flush));
}
