/** Rules and labelled events written short, and what a judge makes of them. */

import { Causes, type LabelledTraffic } from '../../../src/backtest/causes.ts';
import { Judge, type JudgeOptions, type Judgement } from '../../../src/backtest/judge.ts';
import { parseRules } from '../../../src/sigma/parse-rules.ts';
import type { RuleSet } from '../../../src/sigma/rule.ts';

const BASE = ['read', 'grant'].map(
  (name) => `
title: ${name}
name: ${name}
level: informational
logsource: {product: portal}
detection: {sel: {event.action: ${name}}, condition: sel}
`,
);

export function rulesOf(...correlations: readonly string[]): RuleSet {
  const set = parseRules([{ file: 'rules.yml', text: [...BASE, ...correlations].join('\n---\n') }]);
  const faults = set.faults.filter(({ severity }) => severity === 'error');
  if (faults.length > 0) throw new Error(JSON.stringify(faults));
  return set;
}

export const START = Date.UTC(2025, 6, 12, 20);

export interface Short {
  /** Seconds after `START`. */
  readonly at: number;
  readonly action?: string;
  /** Null: the event names no account. */
  readonly user?: string | null;
  readonly session?: string;
  readonly organisation?: string;
  readonly target?: string;
  readonly persons?: readonly string[];
  readonly outcome?: string;
  readonly source?: string;
  /** Default: e0, e1, … */
  readonly id?: string;
}

const NO_LABELS: LabelledTraffic = { incidents: [] };

export function judge(
  ruleSet: RuleSet,
  events: readonly Short[],
  labels: LabelledTraffic = NO_LABELS,
  options: Partial<JudgeOptions> = {},
): Judgement {
  const causes = new Causes();
  causes.update(labels);
  const judge = new Judge(ruleSet, causes, { learnMs: 0, ...options });
  events.forEach((event, i) => {
    const { at, action = 'read', user = 'u1', session, organisation = 'o1', target, persons } = event;
    const { outcome, source, id = `e${i}` } = event;
    const line = Buffer.from(
      JSON.stringify({
        '@timestamp': new Date(START + at * 1000).toISOString(),
        event: { id, action, outcome },
        user: { id: user, target: { id: target } },
        source: { ip: source },
        organization: { id: organisation },
        portal: { session: { id: session }, records: persons && { ids: persons, count: persons.length } },
      }),
    );
    judge.take(line, 0, line.length);
  });
  return judge.finish();
}

export function incident(name: string, sessions: readonly string[], eventIds: readonly string[] = []) {
  return { name, malicious: { sessions, eventIds } };
}
