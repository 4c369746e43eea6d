import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';

import { AccessEvent } from '../../../src/event/access-event.ts';
import { createDecoder } from '../../../src/event/create-decoder.ts';
import { FieldTable } from '../../../src/event/record.ts';

function decode(event: unknown) {
  const fields = new FieldTable();
  fields.slot('portal.records.ids');
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: new Uint8Array(16) });
  const bytes = Buffer.from(JSON.stringify(event));
  return decoder.decode(bytes, 0, bytes.length, fields.newRecord());
}

const TIME = '2025-07-12T21:04:11.120Z';

describe('the vocabulary and the decoder', () => {
  it('agree on which times are times', () => {
    const time = fc.oneof(
      fc.constantFrom(null, true, '', TIME, '2025-07-12', '2025-02-30T00:00:00Z', 1_752_354_251, [TIME]),
      fc.date({ noInvalidDate: true }).map((date) => date.toISOString()),
      fc.maxSafeInteger(),
      fc.string(),
    );
    fc.assert(
      fc.property(time, (value) => {
        const event = { '@timestamp': value };
        expect(decode(event) === undefined).toBe(AccessEvent.safeParse(event).success);
      }),
    );
  });

  it('agree on persons: what the vocabulary allows is decoded, an object is refused by both', () => {
    const id = fc.oneof(fc.string(), fc.integer());
    const ids = fc.oneof(id, fc.array(id), fc.constantFrom({}, [{ id: 1 }], ['a', {}]));
    fc.assert(
      fc.property(ids, (value) => {
        const event = { '@timestamp': TIME, portal: { records: { ids: value } } };
        expect(decode(event) === undefined).toBe(AccessEvent.safeParse(event).success);
      }),
    );
  });

  it('allow fields that the vocabulary does not know', () => {
    const event = { '@timestamp': TIME, user: { id: 'u-1', shoe_size: 42 }, other: [1] };
    expect(AccessEvent.parse(event)).toEqual(event);
    expect(decode(event)).toBe(undefined);
  });
});
