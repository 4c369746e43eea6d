/** Which known incidents fit within a budget, so that rules on volume alone would have missed them. */

import { SCENARIOS, takingsOf } from '../../replay/index.ts';
import { type Horizon, HORIZONS, type TakerBudget } from './extraction-budget.ts';

type Persons = Readonly<Record<Horizon, number>>;

export interface KnownIncident {
  readonly name: string;
  /** The most persons that each taker of the kind took; undefined if none took part. */
  readonly taken: Readonly<Record<'account' | 'organisation' | 'creator', Persons | undefined>>;
  /** True if the incident exceeds no budget. */
  readonly fits: boolean;
}

/** All incidents in which personal data is read. */
export function knownIncidents(budget: readonly TakerBudget[]): readonly KnownIncident[] {
  return Object.keys(SCENARIOS).flatMap((name): KnownIncident[] => {
    const takings = takingsOf(name);
    if (takings === undefined) return [];
    const { accounts, organisations, creators } = takings.takers;
    const each = (count: number): Persons | undefined => {
      if (count === 0) return undefined;
      const share = (horizon: Horizon): number => Math.ceil(takings.within(HORIZONS[horizon]) / count);
      return { hour: share('hour'), day: share('day'), month: share('month') };
    };
    const taken = { account: each(accounts), organisation: each(organisations), creator: each(creators) };
    return [{ name, taken, fits: budget.every((row) => isUnder(row, taken)) }];
  });
}

function isUnder({ taker, persons, ...budget }: TakerBudget, taken: KnownIncident['taken']): boolean {
  const most = taker === 'unattended account' ? undefined : taken[taker];
  if (most === undefined || persons !== 'beyond the caseload') return true;
  return (Object.keys(HORIZONS) as Horizon[]).every((horizon) => most[horizon] <= budget[horizon].most);
}
