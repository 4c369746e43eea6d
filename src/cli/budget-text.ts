/** How `vigie rules check` shows the undetected-extraction budget. */

import { type Amount, HORIZONS, type Horizon, type TakerBudget } from '../budget/extraction-budget.ts';
import type { KnownIncident } from '../budget/known-incidents.ts';
import { waysText } from '../budget/ways-to-read.ts';
import { count, plain, styled, table } from './terminal.ts';

const HORIZON_NAMES = Object.keys(HORIZONS) as Horizon[];

export function budgetText(budget: readonly TakerBudget[], incidents: readonly KnownIncident[]): string {
  const rows = shortened(budget).map(row);
  const followsHabit = budget.some((each) => HORIZON_NAMES.some((horizon) => each[horizon].habit));
  const under = incidents.filter(({ fits }) => fits).map(({ name }) => name);
  return [
    styled('bold', 'The most persons that can be read with no alert'),
    table(['', 'in an hour', 'in a day', 'in 30 days', 'held by'], rows),
    ...(followsHabit ? ['* for whom has no larger habit (vigie.baseline)'] : []),
    under.length === 0
      ? 'No known incident fits under it.'
      : `Known incidents that fit under it, and volume alone would not show: ${under.join(', ')}`,
  ]
    .map((line) => `${line}\n`)
    .join('');
}

interface Shown {
  readonly name: string;
  readonly budget: TakerBudget;
}

/**
 * Drops repetition: limits that are the same for all persons appear once, and programs only where they differ from
 * people.
 */
function shortened(budget: readonly TakerBudget[]): readonly Shown[] {
  const shown: Shown[] = [];
  const ofAccount = budget.filter(({ taker }) => taker === 'account');
  for (const each of budget) {
    const { taker, persons } = each;
    const asPeople = ofAccount.find((other) => other.persons === persons);
    if (taker === 'unattended account' && asPeople !== undefined && areSame(each, asPeople)) continue;
    const last = shown.at(-1);
    if (last?.budget.taker === taker && areSame(each, last.budget)) {
      shown[shown.length - 1] = { name: `one ${taker}`, budget: each };
    } else shown.push({ name: `one ${taker}, ${persons}`, budget: each });
  }
  return shown;
}

function areSame(a: TakerBudget, b: TakerBudget): boolean {
  return identity(a) === identity(b);
}

function identity({ byWays, ...amounts }: TakerBudget): string {
  return JSON.stringify([amountsJson(amounts), waysText(byWays[0]!.ways)]);
}

function row({ name, budget }: Shown): string[] {
  const { byWays } = budget;
  const [widest] = byWays;
  const by = byWays.length > 1 ? `, by ${waysText(widest!.ways)}` : '';
  const rules = new Set(HORIZON_NAMES.flatMap((horizon) => budget[horizon].by));
  return [
    `${name}${by}`,
    ...HORIZON_NAMES.map((horizon) => amountText(budget[horizon])),
    [...rules].map((rule) => plain(rule.name ?? rule.key)).join(', '),
  ];
}

function amountText({ most, habit }: Amount): string {
  return most === Infinity ? 'no bound' : `${count(most)}${habit ? '*' : ''}`;
}

export function budgetJson(budget: readonly TakerBudget[], incidents: readonly KnownIncident[]): object {
  return {
    takers: budget.map(({ taker, persons, byWays, ...amounts }) => ({
      taker,
      persons,
      ...amountsJson(amounts),
      by_ways: byWays.map(({ ways, ...each }) => ({ ways, ...amountsJson(each) })),
    })),
    incidents: incidents.map(({ name, taken, fits }) => ({
      incident: name,
      fits,
      ...Object.fromEntries(Object.entries(taken).map(([taker, persons]) => [taker, persons ?? null])),
    })),
  };
}

function amountsJson(amounts: Readonly<Record<Horizon, Amount>>): Record<string, object> {
  return Object.fromEntries(
    HORIZON_NAMES.map((horizon) => {
      const { most, habit, by } = amounts[horizon];
      return [horizon, { persons: most === Infinity ? null : most, habit, rules: by.map(({ key }) => key) }];
    }),
  );
}
