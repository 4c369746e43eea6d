/** Everything that answers a log: the oracle, and the engine behind `vigie eval`, in the same words. */

import type { OracleDocument, OracleEvent } from './documents.ts';
import { evaluate, type Verdict } from './oracle.ts';
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
}[] = [{ name: 'the oracle', evaluate, families: FAMILIES }];

/** Rows of a verdict as sorted text, so that only what was found is compared, not the order of writing. */
export function rows(verdict: Verdict): { matches: string[]; firings: string[]; alerts: string[] } {
  return {
    matches: sorted(verdict.matches),
    firings: sorted(verdict.firings),
    alerts: sorted(verdict.alerts),
  };
}

const sorted = (list: readonly object[]): string[] => list.map((row) => JSON.stringify(row)).sort();
