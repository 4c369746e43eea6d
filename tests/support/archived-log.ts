/** A log as `vigie run` archives it. */

import { systemClock } from '../../src/clock.ts';
import { Engine } from '../../src/detect/engine.ts';
import { FieldTable } from '../../src/event/record.ts';
import { EventReader } from '../../src/pipeline/event-intake.ts';
import { newTally, NOTHING_AGAIN, Waiting } from '../../src/pipeline/intake.ts';
import type { RuleSet } from '../../src/sigma/rule.ts';
import type { ArchivedEvent } from '../../src/sink/sink.ts';

const KEY = new Uint8Array(16);

/**
 * Including duplicates: the archive gets a second row for an event whose id was forgotten. Events without an id are
 * `log/0/LINE`.
 */
export function archivedOf(
  ruleSet: RuleSet,
  log: readonly string[],
  personFields: readonly string[],
): readonly ArchivedEvent[] {
  const fields = new FieldTable();
  const { evidence } = new Engine({ ruleSet, fields, hashKey: KEY, latenessMs: 0 });
  const waiting = new Waiting();
  const reader = new EventReader(
    {
      source: { name: 'log' },
      pseudonymKey: KEY,
      timestampField: '@timestamp',
      personFields,
      maxEventBytes: 1 << 20,
      mapping: undefined,
      maxFutureMs: Infinity,
      archive: true,
      clock: systemClock,
      observer: { batch: () => {}, deadLetter: () => {} },
    },
    fields,
    waiting,
    newTally(),
  );
  const lines = log.map((line) => Buffer.from(line));
  reader.process(
    {
      kind: 'events',
      partition: 0,
      count: lines.length,
      forEach: (visit) => lines.forEach((line, offset) => visit(line, 0, line.length, offset)),
    } as Parameters<EventReader['process']>[0],
    { evidence, counts: { matches: [], canaryMatches: 0 }, process: () => 0 },
    NOTHING_AGAIN,
  );
  return waiting.take().archive;
}
