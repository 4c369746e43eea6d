/**
 * `npm run bench`: every section in its own process (so that none is slowed or helped by what another taught the
 * compiler, and each has its own peak of memory), one after the other; tables on the terminal, JSON on request.
 *
 *     npm run bench -- [--only NAME[,NAME]] [--quick] [--rounds N] [--json FILE|-]
 *     npm run bench -- --compare REF [--only NAME[,NAME]] [--quick] [--rounds N]
 *
 * `--compare` runs this folder's benchmark on the sources of a git ref and on those of the working tree in turn
 * (compare.ts). Only ratios within one run are meaningful; a missed goal is reported, but is not a failure. Exit code
 * 1: a section failed, because a result was wrong. 2: wrong usage.
 */

import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { parseArgs } from 'node:util';

import { askSection } from './child.ts';
import { compareVersions } from './compare.ts';
import { isReached, printResult } from './section.ts';
import { SECTIONS } from './sections.ts';

const USAGE = 'npm run bench -- [--only NAME[,NAME]] [--quick] [--rounds N] [--json FILE|-] [--compare REF]';

const options = usage();
const { only, size, json, compareWith } = options;

if (compareWith !== undefined) {
  process.exitCode = (await compareVersions(compareWith, only, size)) ? 0 : 1;
} else {
  process.exitCode = (await runAll()) ? 0 : 1;
}

async function runAll(): Promise<boolean> {
  const quiet = json === '-';
  const report = [];
  let failed = false;
  for (const { name, about } of SECTIONS.filter((section) => only.includes(section.name))) {
    if (!quiet) console.log(`\n=== ${name}: ${about}\n`);
    try {
      const { result, peakMiB } = await askSection(new URL('.', import.meta.url).pathname, name, size);
      if (!quiet) {
        printResult(result);
        console.log(`at most ${Math.round(peakMiB)} MiB resident, the workload included`);
      }
      const goals = result.goals.map((goal) => ({ ...goal, reached: isReached(goal) }));
      const { tables, leftOut } = result;
      report.push({
        section: name,
        about,
        peakMiB: Math.round(peakMiB),
        tables,
        goals,
        ...(leftOut !== undefined && { leftOut }),
      });
    } catch (error) {
      failed = true;
      console.error(`${name} failed: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (json !== undefined) {
    const text = JSON.stringify({ machine: machine(), ...size, sections: report }, null, 2);
    if (json === '-') console.log(text);
    else writeFileSync(json, `${text}\n`);
  }
  return !failed;
}

function machine(): Record<string, unknown> {
  return { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', cores: cpus().length };
}

function usage() {
  try {
    const { values } = parseArgs({
      // The file is optional: without one, JSON goes to standard output.
      args: process.argv
        .slice(2)
        .flatMap((arg, i, all) =>
          arg === '--json' && !/^(-|[^-].*)$/.test(all[i + 1] ?? '--') ? [arg, '-'] : [arg],
        ),
      options: {
        only: { type: 'string' },
        quick: { type: 'boolean', default: false },
        rounds: { type: 'string' },
        json: { type: 'string' },
        compare: { type: 'string' },
        help: { type: 'boolean', short: 'h', default: false },
      },
    });
    const names = SECTIONS.map(({ name }) => name);
    if (values.help) {
      console.log(
        `${USAGE}\n\n${SECTIONS.map(({ name, about }) => `  ${name.padEnd(12)}${about}`).join('\n')}`,
      );
      process.exit(0);
    }
    const chosen = values.only?.split(',') ?? names;
    const unknown = chosen.find((name) => !names.includes(name));
    if (unknown !== undefined) throw new Error(`no section is called ${unknown}: ${names.join(', ')}`);
    const rounds = Number(values.rounds ?? (values.quick ? 3 : 5));
    if (!Number.isInteger(rounds) || rounds < 1)
      throw new Error(`--rounds: not a number from 1 on: ${values.rounds}`);
    return {
      only: chosen,
      size: { rounds, quick: values.quick },
      json: values.json,
      compareWith: values.compare,
    };
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\nusage: ${USAGE}`);
    process.exit(2);
  }
}
