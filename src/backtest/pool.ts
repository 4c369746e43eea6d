/** Runs jobs on threads: each takes the next job as soon as it has finished one. */

import { Worker } from 'node:worker_threads';
import { VigieError } from '../errors.ts';
import type { JobResult, JobSpec } from './jobs.ts';
import type { RuleChoice } from './rule-choice.ts';
import type { WorkerMessage } from './worker.ts';

/** In a compiled package, the worker is compiled too. */
const WORKER = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

/**
 * Returns the results in the order of the jobs. `progress` receives the events of all jobs so far and the scenarios
 * being run. Rejects with the first failure, and stops the other threads.
 */
export async function runJobs(
  specs: readonly JobSpec[],
  choice: RuleChoice,
  threads: number,
  progress: (events: number, running: readonly string[]) => void,
): Promise<readonly JobResult[]> {
  const results: JobResult[] = [];
  const done = specs.map(() => 0);
  const running = new Set<number>();
  let next = 0;
  const workers: Worker[] = [];
  const work = (): Promise<void> =>
    new Promise((resolve, reject) => {
      const worker = new Worker(WORKER, { workerData: choice });
      workers.push(worker);
      const give = (): void => {
        if (next >= specs.length) {
          resolve();
          return;
        }
        const job = next;
        next += 1;
        running.add(job);
        // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
        worker.postMessage({ job, spec: specs[job] });
      };
      worker.on('error', reject);
      worker.on('message', (message: WorkerMessage) => {
        switch (message.kind) {
          case 'progress':
            done[message.job] = message.events;
            break;
          case 'result':
            results[message.job] = message.result;
            done[message.job] = message.result.judgement.events;
            running.delete(message.job);
            give();
            break;
          case 'failed':
            reject(new VigieError(message.code, message.message, { remedy: message.remedy }));
            return;
        }
        progress(
          done.reduce((sum, events) => sum + events, 0),
          [...running].map((job) => specs[job]!.scenario),
        );
      });
      give();
    });
  try {
    await Promise.all(Array.from({ length: Math.min(threads, specs.length) }, work));
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
  return results;
}
