/**
 * Damaged rule documents: the loader reports what is wrong and never throws or hangs, and whatever it lets
 * through runs on events.
 */

import { expect, test } from 'vitest';
import { Evaluator } from '../../src/eval/eval.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import { campaign, CAMPAIGN_LIMIT_MS } from './campaign.ts';
import { DOCUMENTS } from './corpus.ts';
import { mutated, oddValue } from './mutate.ts';
import { Random } from './random.ts';

const PLACEHOLDERS = { a: ['one', 't*o'], admins: ['root'] };

/** Events around the document's own words, so that some of them match. */
function eventsFor(text: string, random: Random): string[] {
  const words = [...new Set(text.match(/[\w.\\/-]{1,60}/g) ?? [])].slice(0, 300);
  const fields = [...new Set(text.match(/\b[\w.@-]{1,40}(?=[|:])/g) ?? [])].slice(0, 30);
  return Array.from({ length: 3 }, (_, i) => {
    const event: Record<string, unknown> = {
      '@timestamp': new Date(1_735_689_600_000 + i * 1_000).toISOString(),
    };
    for (const field of fields) if (random.chance(0.6)) event[field] = oddValue(random, words);
    return JSON.stringify(event);
  });
}

test(
  'any damaged rule document loads or is refused with located faults, and what loads runs',
  () => {
    let loaded = 0;
    let refused = 0;
    const cases = campaign(1_500, (random) => {
      const text = mutated(random.pick(DOCUMENTS), DOCUMENTS, random);
      const seedOfEvents = random.below(2 ** 31);
      return {
        input: text,
        run: () => {
          const set = parseRules([{ file: 'fuzz.yml', text }], { placeholders: PLACEHOLDERS, lint: true });
          for (const { line, column, message, code } of set.faults) {
            if (!(line >= 1 && column >= 1) || message === '' || code === '')
              throw new Error(`a fault without a place: ${line}:${column}: ${code}: ${message}`);
          }
          if (set.rules.length + set.correlations.length === 0) {
            refused++;
            return;
          }
          loaded++;
          const evaluator = new Evaluator(set, { allMatches: true });
          for (const [i, event] of eventsFor(text, new Random(seedOfEvents)).entries()) {
            const bytes = Buffer.from(event);
            evaluator.take(bytes, 0, bytes.length, i);
          }
          evaluator.finish();
        },
      };
    });
    // A campaign that nearly always takes the same way tests little.
    if (cases >= 1_000) expect(Math.min(loaded, refused) / cases).toBeGreaterThan(0.1);
  },
  CAMPAIGN_LIMIT_MS,
);
