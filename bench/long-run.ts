/**
 * `vigie run` on many events: peak memory of the whole process, including the embedded database, and its CPU time.
 * `vigie replay` writes to its standard input, so nothing has to be stored on disk. Linux only (`/proc`).
 *
 * `node bench/long-run.ts [--accounts 100000] [--duration 7d] [--rules PATH]`: about ten million events, including the
 * theft of July 2025. Prints its progress once a minute; exit code 1 if the theft raised no alert.
 */

import { spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

import { type Usage, usageOf } from './usage.ts';

const { values } = parseArgs({
  options: {
    accounts: { type: 'string', default: '100000' },
    duration: { type: 'string', default: '7d' },
    rules: { type: 'string', default: fileURLToPath(new URL('../rules', import.meta.url)) },
  },
});
const VIGIE = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url));
const SAMPLE_MS = 500;
const REPORT_MS = 60_000;
const dataDir = mkdtempSync(join(tmpdir(), 'vigie-long-run-'));
const since = performance.now();
const seconds = () => ((performance.now() - since) / 1000).toFixed(0);

const replay = spawn(
  process.execPath,
  [
    VIGIE,
    'replay',
    'kairos-2025',
    '--start',
    '2025-07-07T00:00:00+02:00',
    '--accounts',
    values.accounts,
    '--duration',
    values.duration,
  ],
  { stdio: ['ignore', 'pipe', 'inherit'] },
);
const run = spawn(
  process.execPath,
  [
    '--max-semi-space-size=16',
    VIGIE,
    'run',
    '--input',
    '-',
    '--rules',
    values.rules,
    '--data-dir',
    dataDir,
    '--http-port',
    '0',
  ],
  { stdio: [replay.stdout, 'inherit', 'inherit'] },
);
replay.stdout.destroy(); // The child holds the other end now.

let last: Usage | undefined;
const sampler = setInterval(() => (last = usageOf(run.pid!) ?? last), SAMPLE_MS);
const reporter = setInterval(() => console.log(`${seconds()} s: ${told(last)}`), REPORT_MS);

function told(usage: Usage | undefined): string {
  if (usage === undefined) return 'nothing measured';
  return `${usage.residentMiB.toFixed(0)} MiB resident, at most ${usage.peakMiB.toFixed(0)} MiB, ${usage.cpuSeconds.toFixed(0)} s of CPU`;
}

run.on('close', (code) => {
  clearInterval(sampler);
  clearInterval(reporter);
  const listed = spawnSync(
    process.execPath,
    [VIGIE, 'alerts', '--data-dir', dataDir, 'list', '--level', 'critical', '--limit', '1000', '--json'],
    { encoding: 'utf8', maxBuffer: 1 << 28 },
  );
  const critical = listed.stdout.split('\n').filter((line) => line !== '').length;
  rmSync(dataDir, { recursive: true, force: true });
  console.log(`exit code ${code} after ${seconds()} s: ${told(last)}; ${critical} critical alerts`);
  process.exitCode = code === 0 && critical > 0 ? 0 : 1;
});
