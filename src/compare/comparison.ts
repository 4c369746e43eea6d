/** One theft under two detectors: when each reports it, and what is gone by then. */

import type { Generated } from '../../replay/index.ts';
import { PERSONS_FIELD } from '../alert/episode.ts';
import { Causes } from '../backtest/causes.ts';
import { Judge } from '../backtest/judge.ts';
import { type Taken, TheftLog, type Theft } from '../backtest/theft-log.ts';
import { numberOf, textOf } from '../detect/values.ts';
import { createDecoder } from '../event/create-decoder.ts';
import { FieldTable } from '../event/record.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { type DetectorSetup, type Mail, TumblingDetector } from './tumbling-detector.ts';

export interface Moment {
  /** ms since the epoch. */
  readonly at: number;
  readonly taken: Taken;
}

export interface Comparison {
  readonly theft: Theft;
  readonly firstRead: Moment;
  readonly lastRead: Moment;
  /** Alerts that belong to the theft, by rule, in time order. */
  readonly alerts: readonly (Moment & { readonly rule: string })[];
  /** The first e-mail about an account of the theft; undefined if none was sent. */
  readonly mail: { readonly mail: Mail; readonly sent: Moment; readonly read: Moment } | undefined;
  /** Number of e-mails about others. */
  readonly otherMails: number;
}

/**
 * `detector`: the rule that both run. `ruleSet`: the rules of Vigie, including that rule. Returns undefined if the
 * traffic contains no theft. `progress` receives the events so far.
 */
export function compare(
  generated: Generated,
  ruleSet: RuleSet,
  detector: { readonly ruleSet: RuleSet; readonly setup: DetectorSetup },
  progress: (events: number) => void,
): Comparison | undefined {
  const causes = new Causes();
  const judge = new Judge(ruleSet, causes, { learnMs: 0 });
  const fields = new FieldTable();
  const tumbling = new TumblingDetector(detector.ruleSet, detector.setup, fields);
  const slots = {
    session: fields.slot('portal.session.id'),
    id: fields.slot('event.id'),
    account: fields.slot('user.id'),
    records: fields.slot('portal.records.count'),
    persons: fields.slot(PERSONS_FIELD),
  };
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: new Uint8Array(16) });
  const record = fields.newRecord();
  const log = new TheftLog();
  const thieves = new Set<string>();
  for (const { bytes, ends, count } of generated.batches()) {
    causes.update(generated.labels());
    let start = 0;
    for (let i = 0; i < count; i += 1) {
      const end = ends[i]!;
      judge.take(bytes, start, end - 1);
      decoder.decode(bytes, start, end - 1, record);
      tumbling.take(record);
      const values = record.slots;
      if (causes.of(textOf(values[slots.session]), textOf(values[slots.id]), undefined) >= 0) {
        const account = textOf(values[slots.account]) ?? '';
        thieves.add(account);
        log.note(record.time, numberOf(values[slots.records]) ?? 0, values[slots.persons], account);
      }
      start = end;
    }
    progress(judge.events);
  }
  tumbling.finish();
  const theft = log.theft();
  const { firstReadAt, lastReadAt } = theft;
  if (firstReadAt === undefined || lastReadAt === undefined) return undefined;
  const moment = (at: number): Moment => ({ at, taken: log.by(at) });
  const mail = tumbling.mails.find(({ group }) => thieves.has(group));
  return {
    theft,
    firstRead: moment(firstReadAt),
    lastRead: moment(lastReadAt),
    alerts: judge
      .finish()
      .hits.map(({ rule, first }) => ({ rule, ...moment(first.raisedAt) }))
      .sort((a, b) => a.at - b.at),
    mail: mail && { mail, sent: moment(mail.sentAt), read: moment(mail.readAt) },
    otherMails: tumbling.mails.filter(({ group }) => !thieves.has(group)).length,
  };
}
