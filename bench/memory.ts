/**
 * What an idle key costs: a million keys with three entries each, for a rule that counts events and one that counts
 * persons. And whether a key grows with its events, for the same two rules.
 */

import { execFileSync } from 'node:child_process';

import type { Held } from './idle-keys.ts';
import { inRepository } from './path.ts';
import type { Goal, Section, Table, TableRow } from './section.ts';

const MEASURES = ['count', 'persons'] as const;

export const memory: Section = {
  name: 'memory',
  about: 'bytes per idle key, and per key that goes on',
  run({ quick }) {
    const keys = quick ? 100_000 : 1_000_000;
    const idle = MEASURES.map((measure) => row(`${measure}, at least 50 in 28 days`, measure, keys, 3, 50));
    const growing = MEASURES.flatMap((measure) =>
      [3, 30, 300, 3_000, 30_000, ...(quick ? [] : [300_000])].map((each) =>
        row(`${measure}, ${each.toLocaleString('en-GB')} events a key`, measure, 10, each, 50),
      ),
    );
    const tables: Table[] = [
      { title: `${keys.toLocaleString('en-GB')} keys with three entries each, per key`, rows: idle },
      { title: 'ten keys, ever more events, all in the window; a threshold of 50, per key', rows: growing },
    ];
    const goals: Goal[] = idle.map(({ name, figures }) => ({
      name: `${name}: resident bytes per idle key`,
      got: figures['resident bytes']!,
      atMost: 150,
    }));
    return { tables, goals };
  },
};

function row(name: string, measure: string, keys: number, each: number, gte: number): TableRow {
  // The same size of the young generation as Vigie starts with.
  const args = [
    '--expose-gc',
    '--max-semi-space-size=16',
    inRepository('idle-keys.ts'),
    measure,
    String(keys),
    String(each),
    String(gte),
  ];
  const { groups, stateBytes, heapBytes, residentBytes } = JSON.parse(
    execFileSync(process.execPath, args, { encoding: 'utf8' }),
  ) as Held;
  if (groups !== keys) throw new Error(`${groups} of ${keys} keys are held: the benchmark measures nothing`);
  const figures = { 'state bytes': stateBytes / keys };
  // With few keys, fluctuations of the heap are larger.
  if (keys < 1000) return { name, figures };
  return {
    name,
    figures: { ...figures, 'heap bytes': heapBytes / keys, 'resident bytes': residentBytes / keys },
  };
}
