/** One theft is one alert at the top: the alerts below it are marked, whichever came first. */

import { expect, test } from 'vitest';
import { EngineBench, rulesOf, type Sent } from '../detect/harness.ts';

const MARKED = 'vigie.inhibits: [c0]\n';
const low = { type: 'event_count', timespanMs: 10_000, gte: 2 } as const;
const high = { type: 'event_count', timespanMs: 10_000, gte: 4, root: MARKED } as const;

const reads = (count: number, user: string): Sent[] =>
  Array.from({ length: count }, (_, i) => ({
    time: i * 1000,
    id: `${user}-${i}`,
    fields: { action: 'read', user },
  }));

function inhibitedBy(bench: EngineBench): Record<string, string> {
  const alerts = bench.episodes.map((episode) => bench.render(episode));
  const titles = new Map(alerts.map(({ alertId, title }) => [alertId, title]));
  return Object.fromEntries(
    alerts.map(({ title, group, inhibitedBy: by }) => [`${title} ${group['user']}`, titles.get(by) ?? '']),
  );
}

test('a low alert is inhibited once the high one of its group opens', () => {
  const bench = new EngineBench(rulesOf(low, high));
  for (const event of reads(4, 'u-1')) bench.send(event);
  expect(inhibitedBy(bench)).toEqual({ 'c0 u-1': 'c1', 'c1 u-1': '' });
});

test('the mark of the alert that opened above it first stays when another one opens there', () => {
  const bench = new EngineBench(rulesOf(low, high, { ...high, gte: 5 }));
  for (const event of reads(5, 'u-1')) bench.send(event);
  expect(inhibitedBy(bench)).toEqual({ 'c0 u-1': 'c1', 'c1 u-1': '', 'c2 u-1': '' });
});

test('another group is not touched', () => {
  const bench = new EngineBench(rulesOf(low, high), { latenessMs: 60_000 });
  for (const event of [...reads(3, 'u-2'), ...reads(4, 'u-1')]) bench.send(event);
  expect(inhibitedBy(bench)).toEqual({ 'c0 u-2': '', 'c0 u-1': 'c1', 'c1 u-1': '' });
});

test('a low alert that opens under an open high one is inhibited at once', () => {
  const bench = new EngineBench(
    rulesOf({ type: 'value_count', field: 'person', timespanMs: 10_000, gte: 2 }, { ...high, gte: 3 }),
  );
  for (const event of reads(3, 'u-1')) bench.send(event);
  for (const person of ['a', 'b']) {
    bench.send({ time: 3000, id: `p-${person}`, fields: { action: 'read', user: 'u-1', person } });
  }
  expect(inhibitedBy(bench)).toEqual({ 'c0 u-1': 'c1', 'c1 u-1': '' });
});

test('being inhibited is a later version of the same alert', () => {
  const bench = new EngineBench(rulesOf(low, high));
  const versions: number[] = [];
  for (const event of reads(4, 'u-1')) {
    for (const alert of bench.send(event)) if (alert.title === 'c0') versions.push(alert.version);
  }
  expect(versions).toEqual([...new Set(versions)].sort((a, b) => a - b));
});

test('a rule that raises no alert inhibits none: what is below it would be hidden by what nobody can see', () => {
  const bench = new EngineBench(rulesOf(low, { ...high, root: `${MARKED}level: informational\n` }));
  for (const event of reads(4, 'u-1')) bench.send(event);
  expect(inhibitedBy(bench)).toMatchObject({ 'c0 u-1': '' });
});
