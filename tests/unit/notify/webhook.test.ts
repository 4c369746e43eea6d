import { expect, test } from 'vitest';
import { systemClock } from '../../../src/clock.ts';
import { webhook } from '../../../src/notify/webhook.ts';

test('a port that fetch never asks is named, instead of a receiver that does not answer', async () => {
  const deliver = webhook({ url: 'http://127.0.0.1:10080/hook', secret: undefined, clock: systemClock });
  const told = deliver({ id: 'a-opened', body: '{}' }, new AbortController().signal);
  await expect(told).rejects.toMatchObject({
    code: 'WEBHOOK_FAILED',
    message:
      '127.0.0.1:10080 cannot be reached: this port is kept for another protocol, and never asked (Fetch standard, bad ports)',
  });
});
