/** All scenarios, in the order in which they are played. */

import type { Scenario } from './round.ts';
import { away } from './scenarios/away.ts';
import { clickhouse, disk } from './scenarios/clickhouse.ts';
import { clock } from './scenarios/clock.ts';
import { brokers } from './scenarios/brokers.ts';
import { broker, cut, large, recreated } from './scenarios/kafka.ts';
import { kill } from './scenarios/kill.ts';
import { rebalance } from './scenarios/rebalance.ts';
import { steps } from './scenarios/steps.ts';
import { term } from './scenarios/term.ts';

export const SCENARIOS: readonly Scenario[] = [
  kill,
  steps,
  term,
  rebalance,
  broker,
  cut,
  clickhouse,
  away,
  disk,
  clock,
  large,
  recreated,
  brokers,
];
