/** Warns of rules that hardly fire in a backtest because its learning time is too short. */

import { span } from '../figures.ts';
import type { Sweep } from './sweep.ts';

/**
 * A group's terms count as new only once it has been known for the whole history of `vigie.new_terms`, and few groups
 * appear at the very start of the learning time. Undefined if no rule is concerned.
 */
export function shortLearningText(
  { originals }: Pick<Sweep, 'originals'>,
  learnMs: number,
): string | undefined {
  const concerned = originals.filter(
    ({ newTerms }) => newTerms !== undefined && newTerms.historyMs >= learnMs,
  );
  if (concerned.length === 0) return undefined;
  const longestMs = Math.max(...concerned.map(({ newTerms }) => newTerms!.historyMs));
  const names = concerned.map(({ name, key }) => name ?? key).join(', ');
  return `the learning, ${span(learnMs)}, is no longer than the history of vigie.new_terms (${span(longestMs)}) of ${names}: in what is judged first nothing is new to anybody, and what refers to ${concerned.length === 1 ? 'it' : 'them'} is silent; learn for a week more than that, --learn ${Math.ceil(longestMs / 86_400_000) + 7}d`;
}
