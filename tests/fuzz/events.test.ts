/**
 * Damaged events against rules with every modifier and every correlation: each is a dead letter or is
 * evaluated, and none throws or hangs.
 */

import { expect, test } from 'vitest';
import { createDecoder } from '../../src/event/create-decoder.ts';
import { FieldTable } from '../../src/event/record.ts';
import { Evaluator } from '../../src/eval/eval.ts';
import { compileMatcher } from '../../src/sigma/matcher.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { campaign, CAMPAIGN_LIMIT_MS } from './campaign.ts';
import { WORKLOADS } from './corpus.ts';
import { exchanged, mutated } from './mutate.ts';
import type { Random } from './random.ts';

const loaded = WORKLOADS.map(({ rules, placeholders }) =>
  parseRules([{ file: 'fuzz.yml', text: rules }], { placeholders }),
);

/** All base rules of all workloads at once: one matcher with every modifier, its index and shared tests. */
const fields = new FieldTable();
const matcher = compileMatcher(
  loaded.flatMap(({ rules }) => rules),
  fields,
);
const decoder = createDecoder({ fields, timeRequired: false, pseudonymKey: new Uint8Array(16) });
const record = fields.newRecord();

const EVENTS = WORKLOADS.flatMap(({ events }) => events.map((event) => JSON.stringify(event)));
const WORDS = [...new Set(WORKLOADS.flatMap(({ rules }) => rules.match(/[\w.\\/-]{2,60}/g) ?? []))];
const BATCH = 20;

/** An event with some of its values exchanged, or its bytes damaged, or both. */
function damaged(text: string, random: Random): string {
  let event = text;
  if (random.chance(0.7)) {
    event = JSON.stringify(exchanged(JSON.parse(text), random, WORDS));
    if (random.chance(0.02)) event = `{"a":${'['.repeat(random.pick([100, 600]))}`;
  }
  return random.chance(0.3) ? mutated(event, EVENTS, random) : event;
}

test(
  'any damaged event is evaluated or becomes a dead letter',
  () => {
    let accepted = 0;
    let rejected = 0;
    let matched = 0;
    let fired = 0;
    const cases = campaign(800, (random) => {
      const which = random.below(WORKLOADS.length);
      const own = random.chance(0.7) && loaded[which]!.correlations.length > 0;
      const from = own ? WORKLOADS[which]!.events.map((event) => JSON.stringify(event)) : EVENTS;
      const events = Array.from({ length: BATCH }, () => damaged(random.pick(from), random));
      return {
        input: `${own ? WORKLOADS[which]!.rules : ''}\n${events.join('\n')}`,
        run: () => {
          const evaluator = own ? new Evaluator(loaded[which]!) : undefined;
          for (const [i, event] of events.entries()) {
            const bytes = Buffer.from(event);
            evaluator?.take(bytes, 0, bytes.length, i);
            if (decoder.decode(bytes, 0, bytes.length, record) !== undefined) {
              rejected++;
              continue;
            }
            accepted++;
            if (matcher.match(record) > 0) matched++;
          }
          fired += evaluator?.finish().lines.length ?? 0;
        },
      };
    });
    if (cases >= 500) {
      expect(Math.min(accepted, rejected) / (accepted + rejected)).toBeGreaterThan(0.05);
      expect(matched / accepted).toBeGreaterThan(0.1);
      expect(fired / cases).toBeGreaterThan(0.1);
    }
  },
  CAMPAIGN_LIMIT_MS,
);
