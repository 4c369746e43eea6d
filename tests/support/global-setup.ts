/** Starts what integration tests share, once per run; tests receive it with `inject('kafka')`. */

import type { TestProject } from 'vitest/node';
import { startKafka } from './kafka.ts';
import type { TestKafka } from './kafka.ts';

export type ProvidedKafka =
  | { readonly skip: string }
  | { readonly brokers: string[]; readonly kind: TestKafka['kind']; readonly sasl: TestKafka['sasl'] };

declare module 'vitest' {
  interface ProvidedContext {
    kafka: ProvidedKafka;
  }
}

export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  const kafka = await startKafka();
  if ('skip' in kafka) {
    if (process.env['CI'] !== undefined) throw new Error(kafka.skip);
    console.warn(kafka.skip);
    project.provide('kafka', { skip: kafka.skip });
    return undefined;
  }
  project.provide('kafka', { brokers: kafka.brokers, kind: kafka.kind, sasl: kafka.sasl });
  return () => kafka.stop();
}
