/** A shard's intake: the items of its source are messages of signals. */

import { Engine, type Shard } from '../detect/engine.ts';
import { VigieError } from '../errors.ts';
import { FieldTable } from '../event/record.ts';
import type { Intake } from '../pipeline/intake.ts';
import type { RuleSet } from '../sigma/rule.ts';
import { signalRules } from '../signal/schema.ts';
import { SignalReader } from '../signal/signal-reader.ts';
import { type SavedTaker, Taker, type TakerCounts } from '../signal/taker.ts';

/** The problems that `onTrouble` reports. */
export const SIGNAL_CODES = [
  'SIGNALS_UNREADABLE',
  'SIGNALS_KEY',
  'SIGNALS_PARTITIONS',
  'SIGNALS_GAP',
] as const;

export interface SignalIntakeOptions {
  readonly shard: Shard;
  readonly hashKey: Uint8Array;
  readonly keyCheck: number;
  readonly latenessMs: number;
  /** All other settings that decide what an event is. */
  readonly settings: string;
  /** What was taken of a batch; not called for a batch that was read before. */
  readonly onTaken: (counts: TakerCounts) => void;
  /** Reports a problem that nobody here can repair, for each message or batch that shows it. */
  readonly onTrouble: (problem: VigieError) => void;
}

export function signalIntake(options: SignalIntakeOptions, ruleSet: RuleSet): Intake {
  const { shard, hashKey, latenessMs, settings, onTaken, onTrouble } = options;
  const fields = new FieldTable();
  const rules = signalRules(ruleSet);
  let taker: Taker | undefined;
  return {
    newEngine: (former) => {
      const engine = new Engine({ ruleSet, fields, hashKey, latenessMs, settings, shard, former });
      taker = new Taker(engine, new SignalReader(fields, rules));
      return engine;
    },
    process: (batch, _engine, again) => {
      const to = taker!;
      const before = { ...to.counts };
      let restored = 0;
      let hasOtherKey = false;
      let toldShards = shard.of;
      batch.forEach((data, start, end, offset) => {
        if (offset < again.untilOffset) restored += 1;
        const fault = to.take(data, start, end);
        if (fault !== undefined) onTrouble(unreadable(shard, offset, fault));
        if (to.latest === undefined) return;
        if (to.latest.keyCheck !== options.keyCheck) hasOtherKey = true;
        if (to.latest.shards !== shard.of) toldShards = to.latest.shards;
      });
      const { counts } = to;
      if (restored < batch.count) {
        onTaken({
          signals: counts.signals - before.signals,
          copies: counts.copies - before.copies,
          gaps: counts.gaps - before.gaps,
        });
      }
      if (hasOtherKey) onTrouble(otherKey());
      if (toldShards !== shard.of) onTrouble(otherShards(toldShards, shard.of));
      if (counts.gaps > before.gaps && restored < batch.count) onTrouble(gap(shard));
      return { fruitful: true, restored };
    },
    // Windows that the watermark has not passed are judged again, so reading again must begin before it.
    newestOf: ({ watermarks }) => watermarks.watermark + latenessMs,
    idles: false,
    save: () => taker!.save(),
    load: (saved) => {
      if (saved !== undefined) taker!.load(saved as SavedTaker);
    },
  };
}

function unreadable({ index }: Shard, offset: number, fault: string): VigieError {
  return new VigieError(
    'SIGNALS_UNREADABLE',
    `shard ${index}, offset ${offset} is no message of signals: ${fault}`,
    {
      remedy:
        'Let nothing but Vigie write to the signals topic, and all processes run releases that understand each other.',
    },
  );
}

function otherKey(): VigieError {
  return new VigieError(
    'SIGNALS_KEY',
    'signals are made under another pseudonym key: persons are counted twice',
    {
      remedy:
        'Give all processes the same VIGIE_PSEUDONYM_KEY; after a change of the key, use a new signals topic.',
    },
  );
}

/** Of a topic with partitions for other shards than signals are, or were, divided over. */
export function otherShards(told: number, known: number): VigieError {
  return new VigieError(
    'SIGNALS_PARTITIONS',
    `signals are divided over ${told} shards, the topic has ${known} partitions`,
    {
      remedy:
        'Partitions of the signals topic must not be added: set another VIGIE_SIGNALS_TOPIC and another VIGIE_GROUP (docs/scale-out.md, Topics). Groups move at the next start.',
    },
  );
}

function gap({ index }: Shard): VigieError {
  return new VigieError('SIGNALS_GAP', `shard ${index} never got a part of the input`, {
    remedy:
      'See INPUT_GAP for messages that were deleted before they were read; else the signals topic has lost messages.',
  });
}
