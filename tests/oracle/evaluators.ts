/** Everything that answers a log, in the same words: the oracle, and the engine behind `vigie eval`. */

import { evalEvents, type EvalLine } from '../../src/eval/eval.ts';
import { parseRules } from '../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';
import type { OracleDocument, OracleEvent } from './documents.ts';
import { evaluate, type Verdict } from './oracle.ts';
import { eventAsText, rulesAsText } from './random-log.ts';
import { FAMILIES, type Family } from './random-rules.ts';

type Evaluate = (
  documents: readonly OracleDocument[],
  log: readonly OracleEvent[],
  options: { readonly latenessMs: number },
) => Verdict;

export const EVALUATORS: readonly {
  readonly name: string;
  readonly evaluate: Evaluate;
  readonly families: readonly Family[];
}[] = [
  { name: 'the oracle', evaluate, families: FAMILIES },
  { name: 'the engine', evaluate: evaluateByEngine, families: FAMILIES },
];

const load = (documents: readonly OracleDocument[]): RuleSet =>
  parseRules([{ file: 'rules.yml', text: rulesAsText(documents) }]);

/** Of rules that are taken all the same. */
const WARNED_ONLY: ReadonlySet<string> = new Set(['ORDER_NOT_ASKED', 'UNUSED_ALIAS']);

/** The lines of `vigie eval`. */
export function engineLines(
  documents: readonly OracleDocument[],
  log: readonly OracleEvent[],
  { latenessMs }: { readonly latenessMs: number },
): readonly EvalLine[] {
  const rules = load(documents);
  const { lines, deadLetters } = evalEvents(rules, log.map(eventAsText), { latenessMs });
  const faults = rules.faults.filter(({ code }) => !WARNED_ONLY.has(code));
  const refused = [...faults, ...deadLetters].map(({ code, message }) => `${code}: ${message}`);
  if (refused.length > 0) throw new Error(`the engine refuses a part of the case:\n${refused.join('\n')}`);
  return lines;
}

export function evaluateByEngine(...of: Parameters<Evaluate>): Verdict {
  return verdictOf(engineLines(...of));
}

export function verdictOf(lines: readonly EvalLine[]): Verdict {
  const verdict: Verdict = { matches: [], firings: [], alerts: [] };
  for (const line of lines) {
    switch (line.type) {
      case 'match':
        verdict.matches.push({ rule: line.rule, index: line.event.index, time: Date.parse(line.time ?? '') });
        break;
      case 'firing':
        verdict.firings.push({
          rule: line.rule,
          group: line.group,
          time: Date.parse(line.time),
          value: line.value,
          threshold: line.threshold,
        });
        break;
      case 'alert':
        verdict.alerts.push({
          rule: line.rule,
          group: line.group,
          status: line.status,
          firstEventAt: Date.parse(line.first_event_at),
          crossedAt: Date.parse(line.crossed_at),
          lastEventAt: Date.parse(line.last_event_at),
          events: line.events,
          value: line.value,
        });
    }
  }
  return verdict;
}

/** Rows of a verdict as sorted text, so that only what was found is compared, not the order of writing. */
export function rows(verdict: Verdict): { matches: string[]; firings: string[]; alerts: string[] } {
  return {
    matches: sorted(verdict.matches),
    firings: sorted(verdict.firings),
    alerts: sorted(verdict.alerts),
  };
}

const sorted = (list: readonly object[]): string[] => list.map((row) => JSON.stringify(row)).sort();
