/** A job's own figures are those of the labels, which the generator counts in another place. */

import { expect, test } from 'vitest';
import { generate } from '../../../replay/index.ts';
import { planJobs, runJob } from '../../../src/backtest/jobs.ts';
import { systemClock } from '../../../src/clock.ts';
import { rulesOf } from './judging.ts';

const BURST = `
title: Three reads in ten seconds
name: burst
level: high
correlation: {type: event_count, rules: [read], group-by: [user.id], timespan: 10s, condition: {gte: 3}}
`;

test('records, persons, accounts and times of a theft are those of its labels', () => {
  const small = { records: 4000, window: '20m' };
  const [spec] = planJobs({
    incidents: ['missions-locales-2025'],
    withoutBenign: true,
    accounts: 0,
    background: 5,
    learnMs: 86_400_000,
    judgeMs: 0,
    scenarioOptions: { 'missions-locales-2025': small },
  });
  const { incidents, events } = runJob(spec!, rulesOf(BURST), systemClock).judgement;
  const generated = generate(spec!.scenario, spec!.options);
  let written = 0;
  for (const { count } of generated.batches()) written += count;
  const [labels] = generated.labels().incidents;
  expect(events).toBe(written);
  expect(incidents).toMatchObject([
    {
      records: labels!.records,
      persons: labels!.persons,
      reads: labels!.reads,
      events: labels!.events,
      accounts: 2,
      firstReadAt: Date.parse(labels!.firstRead!.time),
      lastReadAt: Date.parse(labels!.lastRead!.time),
      firstEventAt: Date.parse(labels!.firstEvent!.time),
    },
  ]);
});

test('jobs come the most work first, and unknown names are refused', () => {
  const sizes = { accounts: 100, background: 10, learnMs: 86_400_000, judgeMs: 86_400_000 };
  const [first, second, ...others] = planJobs(sizes);
  // Neither has the most events, but each of them shows 50 or 100 persons.
  expect([first!.scenario, second!.scenario]).toEqual(['cap-emploi-2024', 'viamedis-almerys-2024']);
  const costs = [first!, second!, ...others].map(({ cost }) => cost);
  expect(costs).toEqual(costs.toSorted((a, b) => b - a));
  expect(() => planJobs({ ...sizes, incidents: ['kairos'] })).toThrow(
    expect.objectContaining({ code: 'SCENARIO_UNKNOWN' }),
  );
});

const benign = (accounts: number, seed?: string) =>
  planJobs({ incidents: [], accounts, background: 0, learnMs: 86_400_000, judgeMs: 86_400_000, seed });

test('many benign accounts are several countries that differ, with as many accounts together', () => {
  const accountsOf = (specs: ReturnType<typeof benign>) => specs.map(({ options }) => options['accounts']);
  expect(accountsOf(benign(5_000))).toEqual([5_000]);
  expect(accountsOf(benign(10_001))).toEqual([3_333, 3_334, 3_334]);
  for (const seed of [undefined, 'other']) {
    const seeds = benign(12_000, seed).map(({ options }) => options['seed']);
    expect(new Set(seeds).size).toBe(3);
    expect(seeds).toContain(seed);
  }
});

test('an incident can be planned with nothing to learn from', () => {
  const incidents = ['kairos-2025'];
  const [spec] = planJobs({
    incidents,
    withoutBenign: true,
    accounts: 0,
    background: 5,
    learnMs: 0,
    judgeMs: 0,
  });
  expect(spec!.events).toBeGreaterThan(340_000);
});

test('an incident that is named twice is run once', () => {
  const incidents = ['kairos-2025', 'ddos-rie-2024', 'kairos-2025'];
  const sizes = { accounts: 0, background: 0, learnMs: 86_400_000, judgeMs: 0 };
  const specs = planJobs({ ...sizes, incidents, withoutBenign: true });
  expect(specs.map(({ scenario }) => scenario)).toEqual(['ddos-rie-2024', 'kairos-2025']);
});
