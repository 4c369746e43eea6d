/** Whoever reads a backtest must know of rules that had no chance to speak. */

import { expect, test } from 'vitest';
import { shortLearningText } from '../../../src/backtest/short-learning.ts';
import { sweepOf } from '../../../src/backtest/sweep.ts';
import { rulesOf } from './judging.ts';

const DAY = 86_400_000;
const NEW_NETWORK = `
title: New network
name: new_network
level: medium
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 1d, condition: {gte: 1}}
vigie.new_terms: {fields: [source.ip], history: 28d}
`;
const PLAIN = NEW_NETWORK.replace('name: new_network', 'name: plain').replace(/vigie.*\n/, '');

test('a learning as long as the history of new terms is too short, and the rules are named', () => {
  const rules = sweepOf(rulesOf(NEW_NETWORK, PLAIN));
  for (const learnMs of [0, 28 * DAY]) {
    expect(shortLearningText(rules, learnMs)).toMatch(/of new_network: .*--learn 35d$/);
  }
});

test('a rule of which a sweep has copies is named once', () => {
  const sweep = sweepOf(rulesOf(NEW_NETWORK, PLAIN));
  expect(sweep.ruleSet.correlations.length).toBeGreaterThan(2);
  expect(shortLearningText(sweep, 0)).toMatch(/of new_network: .* refers to it is silent/);
});

test('nothing is said of one that is longer, nor where no rule asks for what is new', () => {
  expect(shortLearningText(sweepOf(rulesOf(NEW_NETWORK, PLAIN)), 35 * DAY)).toBeUndefined();
  expect(shortLearningText(sweepOf(rulesOf(PLAIN)), 0)).toBeUndefined();
});
