/**
 * The whole path on what somebody who can write events would send: throughput beside that of the usual workload in the
 * same rounds, and the state that remains. Whether the answers are right is checked in tests/bench.
 */

import { passOver, type Passed, proofOf, rulesNamed } from './path.ts';
import { compare } from './rounds.ts';
import { NS, type Section, type Size, type Table } from './section.ts';
import { HOSTILE, hostile, usual } from './workload.ts';

const EVENTS = 100_000;

export const hostilePath: Section = {
  name: 'hostile',
  about: 'the whole path on workloads made to be slow, beside the usual one',
  run(size) {
    const tables = ['three', 'shipped'].map((rules) => measured(rules, size));
    const goals = tables.flatMap(({ title, rows }) =>
      rows.slice(1).map(({ name, figures }) => ({
        name: `${name}, ${title}`,
        got: figures['× usual']!,
        atLeast: 1 / 3,
      })),
    );
    return { tables, goals };
  },
};

function measured(rules: string, { rounds, quick }: Size): Table {
  const events = quick ? EVENTS / 4 : EVENTS;
  const ruleSet = rulesNamed(rules);
  const logs = [usual({ events }), ...Object.keys(HOSTILE).map((name) => hostile(name, { events }))];
  const last = new Map<string, Passed>();
  const rows = compare(
    logs.map((log) => ({
      name: log.name,
      events: log.events,
      run: () => {
        const passed = passOver(log.bytes, ruleSet);
        last.set(log.name, passed);
        return proofOf(passed);
      },
    })),
    events,
    rounds,
  );
  return {
    title: `${rules} rules, ${events.toLocaleString('en-GB')} events`,
    rows: rows.map(({ name, nsPerEvent, ratio, lowest, highest }) => {
      const { stateBytes, groups, evictions, alerts } = last.get(name)!;
      return {
        name,
        figures: {
          [NS]: nsPerEvent,
          '× usual': ratio,
          lowest,
          highest,
          'state bytes': stateBytes,
          groups,
          evictions,
          alerts: alerts.length,
        },
      };
    }),
  };
}
