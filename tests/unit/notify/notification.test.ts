import { createHmac } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { headersOf, notificationOf } from '../../../src/notify/notification.ts';
import type { AlertView } from '../../../src/sink/alert-store.ts';
import { alertFixture, UNTOUCHED } from '../../support/alert-fixture.ts';

const alert: AlertView = {
  ...alertFixture({ group: { 'user.id': 'u-7f3a' }, accounts: ['u-7f3a'], persons: 500, records: 501 }),
  ...UNTOUCHED,
};
const NOW = Date.UTC(2025, 6, 12, 19, 1);

describe('a notification', () => {
  test('says in one line who, from which application, how much and since when', () => {
    const { text } = JSON.parse(notificationOf(alert, 'opened').body) as { text: string };
    expect(text).toBe(
      "high: One account reads many persons' records: u-7f3a, kairos, 500 persons, 501 records, since 2025-07-12 19:00:00.001 UTC, vigie alerts show 01234567",
    );
    const shared = {
      ...alert,
      group: { 'organization.id': '38012345600011' },
      accounts: ['u-1', 'u-2', 'u-3', 'u-4', 'u-5'],
    };
    expect(JSON.parse(notificationOf(shared, 'opened').body)).toMatchObject({
      text: expect.stringContaining(': 38012345600011, accounts u-1 u-2 u-3 and 2 more, kairos') as unknown,
    });
    const { text: over } = JSON.parse(notificationOf(alert, 'resolved').body) as { text: string };
    expect(over).toMatch(/^high, over: /);
    const { text: reminder } = JSON.parse(notificationOf(alert, 'unacknowledged').body) as { text: string };
    expect(reminder).toMatch(/^high, nobody acknowledged it: /);
  });

  test('stays one line that says what it says, whatever somebody calls himself', () => {
    const named = { ...alert, group: { 'user.id': 'u-7f3a\ncritical, over: \u202eall is well' } };
    const { text, data } = JSON.parse(notificationOf(named, 'opened').body) as {
      text: string;
      data: { group: unknown };
    };
    expect(text).toContain(String.raw`: u-7f3a\u{a}critical, over: \u{202e}all is well, accounts`);
    expect(data.group).toEqual(named.group);
  });

  test('holds the alert as vigie alerts list --json has it', () => {
    expect(JSON.parse(notificationOf(alert, 'opened').body)).toMatchObject({
      type: 'alert.opened',
      timestamp: '2025-07-12T19:00:04.000Z',
      data: JSON.parse(JSON.stringify(alert)) as unknown,
    });
  });

  test('has one id however often it is delivered and however the alert grew meanwhile', () => {
    const grown = { ...alert, persons: 9000, version: 7 };
    expect(notificationOf(grown, 'opened').id).toBe(notificationOf(alert, 'opened').id);
    expect(notificationOf(alert, 'resolved').id).not.toBe(notificationOf(alert, 'opened').id);
  });

  test('is signed as Standard Webhooks say, over id, time and body', () => {
    const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    const notification = notificationOf(alert, 'opened');
    const signed = headersOf(notification, secret, NOW);
    const content = `${notification.id}.${NOW / 1000}.${notification.body}`;
    expect(signed).toMatchObject({
      'webhook-id': notification.id,
      'webhook-timestamp': String(NOW / 1000),
      'webhook-signature': `v1,${createHmac('sha256', secret).update(content).digest('base64')}`,
    });
    expect(headersOf(notification, undefined, NOW)).not.toHaveProperty('webhook-signature');
  });

  test('has the signature of the example that the specification gives', () => {
    // standardwebhooks.com, libraries' test vector: secret, id, time and payload.
    const secret = Buffer.from('MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw', 'base64');
    const notification = { id: 'msg_p5jXN8AQM9LWM0D4loKWxJek', body: '{"test": 2432232314}' };
    expect(headersOf(notification, secret, 1_614_265_330_000)['webhook-signature']).toBe(
      'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
    );
  });
});
