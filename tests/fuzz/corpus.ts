/** What mutations start from: every rule document and event that the project has. */

import { globSync, readFileSync } from 'node:fs';
import { correlationFiles, detectionFiles } from '../conformance/case-files.ts';

const project = new URL('../../', import.meta.url);

/** Documents (some hold several, some a fault) of the shipped rules, the fixtures and the conformance cases. */
export const DOCUMENTS: readonly string[] = [
  ...globSync(['rules/**/*.yml', 'tests/unit/sigma/testdata/*.yaml'], { cwd: project })
    .sort()
    .map((file) => readFileSync(new URL(file, project), 'utf8')),
  ...[...detectionFiles(), ...correlationFiles()].flatMap(({ cases }) => cases.map(({ rules }) => rules)),
];

/** Rules that load together, with the values of their placeholders and events that they were written for. */
export interface Workload {
  readonly rules: string;
  readonly placeholders: Readonly<Record<string, readonly string[]>>;
  readonly events: readonly unknown[];
}

export const WORKLOADS: readonly Workload[] = [
  ...detectionFiles().flatMap(({ cases }) => cases.filter(({ refused }) => refused === undefined)),
  ...correlationFiles()
    .flatMap(({ cases }) => cases.filter(({ refused }) => refused === undefined))
    .map(({ rules, log }) => ({
      rules,
      placeholders: {},
      events: log.map(({ time, fields }) => ({ '@timestamp': new Date(time).toISOString(), ...fields })),
    })),
];
