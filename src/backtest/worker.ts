/**
 * A thread of the backtest: runs the jobs it receives one by one, loading the rules anew for the lists of each job's
 * country, and reports its progress.
 */

import { parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../clock.ts';
import { VigieError, messageOf } from '../errors.ts';
import { type JobResult, type JobSpec, runJob } from './jobs.ts';
import { type RuleChoice, chosenRules } from './rule-choice.ts';
import { loadRulesFor } from './scenario-lists.ts';

/** Messages from the thread. `job`: the number that came with the job. */
export type WorkerMessage =
  | { readonly kind: 'progress'; readonly job: number; readonly events: number }
  | { readonly kind: 'result'; readonly job: number; readonly result: JobResult }
  | { readonly kind: 'failed'; readonly code: string; readonly message: string; readonly remedy: string };

const choice = workerData as RuleChoice;

function tell(message: WorkerMessage): void {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort!.postMessage(message);
}

parentPort!.on('message', ({ job, spec }: { job: number; spec: JobSpec }) => {
  try {
    const loaded = loadRulesFor(spec.scenario, spec.options, choice);
    const { ruleSet } = chosenRules(loaded, choice);
    const result = runJob(spec, ruleSet, systemClock, (events) => tell({ kind: 'progress', job, events }));
    tell({ kind: 'result', job, result });
  } catch (thrown) {
    const { code, remedy = '' } =
      thrown instanceof VigieError ? thrown : { code: 'DEFECT', remedy: 'This is a defect: report it.' };
    const message = thrown instanceof VigieError ? thrown.message : `${spec.scenario}: ${messageOf(thrown)}`;
    tell({ kind: 'failed', code, message, remedy });
  }
});
