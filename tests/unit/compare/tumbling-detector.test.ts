/** The detector that Vigie is compared with: right, and late. */

import { describe, expect, test } from 'vitest';
import { generate } from '../../../replay/index.ts';
import { compare } from '../../../src/compare/comparison.ts';
import { readDetector } from '../../../src/compare/detector-file.ts';
import { nextWorkingTime, TumblingDetector } from '../../../src/compare/tumbling-detector.ts';
import { createDecoder } from '../../../src/event/create-decoder.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { findRuleFiles, loadRules } from '../../../src/files/rule-files.ts';

const FOLDER = 'docs/examples/misconfigured-2025';
const EXAMPLE = readDetector(FOLDER);
const iso = (timeMs: number) => new Date(timeMs).toISOString();

/** Reads of so many new persons by one account, each a second after the one before. */
function mailsAfter(
  reads: readonly { readonly from: string; readonly persons: number; readonly user?: string }[],
) {
  const fields = new FieldTable();
  const detector = new TumblingDetector(EXAMPLE.ruleSet, EXAMPLE.setup, fields);
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: new Uint8Array(16) });
  const record = fields.newRecord();
  let person = 0;
  for (const { from, persons, user = 'u1' } of reads) {
    for (let i = 0; i < persons; i += 1) {
      person += 1;
      const event = {
        '@timestamp': iso(Date.parse(from) + i * 1000),
        event: { action: 'record-view' },
        user: { id: user },
        portal: { records: { ids: [`p${person}`] } },
      };
      const line = Buffer.from(JSON.stringify(event));
      expect(decoder.decode(line, 0, line.length, record)).toBeUndefined();
      detector.take(record);
    }
  }
  detector.finish();
  return detector.mails;
}

describe('a window that stands', () => {
  test('is judged by the first job after its end, with everybody that was read in it', () => {
    const [mail] = mailsAfter([{ from: '2025-07-12T21:10:00Z', persons: 600 }]);
    expect(mail).toMatchObject({ group: 'u1', persons: 600 });
    expect(iso(mail!.windowFrom)).toBe('2025-07-12T21:00:00.000Z');
    expect(iso(mail!.sentAt)).toBe('2025-07-12T22:15:00.000Z');
  });

  test('misses a burst across the turn of the hour, which a sliding one counts in full', () => {
    expect(mailsAfter([{ from: '2025-07-12T21:55:00Z', persons: 600 }])).toEqual([]);
  });

  test('keeps accounts apart', () => {
    const mails = mailsAfter([
      { from: '2025-07-12T21:00:00Z', persons: 499, user: 'u1' },
      { from: '2025-07-12T21:20:00Z', persons: 499, user: 'u2' },
    ]);
    expect(mails).toEqual([]);
  });
});

describe('an e-mail is read', () => {
  const nine = 9 * 3_600_000;
  test.each([
    ['on the same working day, if it comes before', '2025-07-10T05:00:00Z', '2025-07-10T07:00:00.000Z'],
    ['on the next one, if it comes after', '2025-07-10T07:00:00.001Z', '2025-07-11T07:00:00.000Z'],
    ['after the weekend', '2025-07-04T20:00:00Z', '2025-07-07T07:00:00.000Z'],
    ['after the public holiday that follows a weekend', '2025-07-12T22:15:00Z', '2025-07-15T07:00:00.000Z'],
    ['by the clock of winter in winter', '2025-11-29T12:00:00Z', '2025-12-01T08:00:00.000Z'],
  ])('%s', (_, sent, read) => {
    expect(iso(nextWorkingTime(Date.parse(sent), nine))).toBe(read);
  });
});

test('the theft of July 2025 is told on the third day after it by the example, and in seconds by the same rule in Vigie', () => {
  const ruleSet = loadRules([`${FOLDER}/rule.yml`]);
  const comparison = compare(
    generate('kairos-2025', { accounts: 20, records: 34_000 }),
    ruleSet,
    EXAMPLE,
    () => {},
  )!;
  const { alerts, mail, theft, otherMails } = comparison;
  expect(alerts.map(({ rule, taken }) => [rule, taken.records])).toEqual([
    [ruleSet.correlations[0]!.key, 500],
  ]);
  expect(mail!.sent.taken.records).toBeGreaterThan(theft.records / 2);
  expect(mail!.read.taken.records).toBe(theft.records);
  expect(iso(mail!.read.at)).toBe('2025-07-15T07:00:00.000Z');
  expect(otherMails).toBe(0);
});

test('the example is not among the rules that Vigie loads', () => {
  expect(findRuleFiles(['rules']).filter((file) => file.includes('misconfigured'))).toEqual([]);
});
