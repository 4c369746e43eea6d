/**
 * Two versions of the sources under one benchmark: this folder replaces the one in a checkout of the ref, and in each
 * round every section runs on either version, in turn, each in a new process, which measures a few passes after its
 * warm-up and takes their median: V8 is still compiling during the first, and what it has compiled by then differs from
 * process to process. A ratio compares two consecutive runs; printed are the median, the least and the greatest. Below
 * 1.2 a ratio means nothing unless the spread is small enough.
 *
 * The checkout is a temporary git worktree, removed at the end, also after Ctrl-C.
 */

import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { askSection } from './child.ts';
import { inRepository } from './path.ts';
import { median } from './rounds.ts';
import { NS, printResult, type Result, type Size } from './section.ts';

/** With one pass in each process, a row was at 0.6 in every round that many passes showed to be at 1. */
const PASSES = 3;

/** Returns false if a section failed on either side. */
export async function compareVersions(ref: string, names: readonly string[], size: Size): Promise<boolean> {
  const root = inRepository('..');
  const commit = git(root, 'rev-parse', '--verify', `${ref}^{commit}`).trim();
  const holder = mkdtempSync(join(tmpdir(), 'vigie-bench-'));
  const checkout = join(holder, 'ref');
  const remove = (): void => {
    spawnSync('git', ['-C', root, 'worktree', 'remove', '--force', checkout]);
    rmSync(holder, { recursive: true, force: true });
  };
  const interrupted = (): void => {
    remove();
    process.exit(130);
  };
  process.once('SIGINT', interrupted);
  process.once('SIGTERM', interrupted);
  try {
    git(root, 'worktree', 'add', '--detach', checkout, commit);
    rmSync(join(checkout, 'bench'), { recursive: true, force: true });
    cpSync(join(root, 'bench'), join(checkout, 'bench'), { recursive: true });
    symlinkSync(join(root, 'node_modules'), join(checkout, 'node_modules'));
    console.log(
      `working tree against ${ref} (${commit.slice(0, 10)}); above 1: the working tree is faster\n`,
    );
    let complete = true;
    for (const name of names) {
      try {
        await compareSection(name, join(root, 'bench'), join(checkout, 'bench'), size);
      } catch (error) {
        complete = false;
        console.error(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
      }
    }
    return complete;
  } finally {
    process.off('SIGINT', interrupted);
    process.off('SIGTERM', interrupted);
    remove();
  }
}

async function compareSection(
  name: string,
  mine: string,
  theirs: string,
  { rounds, quick }: Size,
): Promise<void> {
  const ratios = new Map<string, number[]>();
  const titles = new Map<string, string>();
  for (let round = 0; round < rounds; round += 1) {
    // The first to run has the colder machine, so they alternate.
    const order = round % 2 === 0 ? [theirs, mine] : [mine, theirs];
    const costs = new Map<string, Map<string, number>>();
    for (const folder of order) {
      const { result } = await askSection(folder, name, { rounds: PASSES, quick });
      costs.set(folder, costsOf(result, titles));
    }
    for (const [row, own] of costs.get(mine)!) {
      const before = costs.get(theirs)!.get(row);
      if (before === undefined) continue;
      const sofar = ratios.get(row) ?? [];
      ratios.set(row, [...sofar, before / own]);
    }
  }
  if (ratios.size === 0) return;
  const tables = [...new Set(titles.values())].map((title) => ({
    title: `${name}: ${title}`,
    rows: [...ratios]
      .filter(([row]) => titles.get(row) === title)
      .map(([row, all]) => ({
        name: row.slice(title.length + 2),
        figures: { median: median(all), lowest: Math.min(...all), highest: Math.max(...all) },
      })),
  }));
  printResult({ tables, goals: [] });
}

/** CPU time per event by table and row. */
function costsOf({ tables }: Result, titles: Map<string, string>): Map<string, number> {
  const costs = new Map<string, number>();
  for (const { title, rows } of tables) {
    for (const { name, figures } of rows) {
      const cost = figures[NS];
      if (cost === undefined) continue;
      const row = `${title}: ${name}`;
      titles.set(row, title);
      costs.set(row, cost);
    }
  }
  return costs;
}

function git(root: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('git', ['-C', root, ...args], { encoding: 'utf8' });
  if (status !== 0) throw new Error(`git ${args.join(' ')}: ${stderr.trim()}`);
  return stdout;
}
