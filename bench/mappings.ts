/**
 * What reading a log through a mapping costs: each shipped mapping on the lines of its sample, beside the plain decoder
 * on the events that the mapping makes of them. CPU time, median of interleaved passes; only the ratio within one run
 * is meaningful. The wanted fields are those of alerts and the archive.
 */

import { readFileSync } from 'node:fs';
import { createDecoder } from '../src/event/create-decoder.ts';
import type { Mapping } from '../src/event/mapping/mapping.ts';
import { FieldTable } from '../src/event/record.ts';
import { loadMapping, readyMappings } from '../src/files/mapping-files.ts';
import { ARCHIVED_FIELDS } from '../src/sink/event-row.ts';
import { median } from './rounds.ts';
import { NS, type Section } from './section.ts';

const LINES_PER_PASS = 40_000;
const KEY = new Uint8Array(16);

function linesOf(name: string): Buffer[] {
  const sample = new URL(`../tests/unit/event/mapping/testdata/${name}.log.txt`, import.meta.url);
  return readFileSync(sample, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => Buffer.from(line));
}

/** The events that the lines become, as JSON. */
function eventsOf(mapping: Mapping, lines: readonly Buffer[]): Buffer[] {
  const fields = new FieldTable();
  fields.wantWhole();
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: KEY, mapping });
  const record = fields.newRecord();
  return lines
    .filter((line) => decoder.decode(line, 0, line.length, record) === undefined)
    .map((line) => {
      decoder.decode(line, 0, line.length, record);
      return Buffer.from(JSON.stringify(record.whole));
    });
}

/** ns of CPU per line. */
function passOver(mapping: Mapping | undefined, lines: readonly Buffer[]): () => number {
  const fields = new FieldTable();
  for (const path of ARCHIVED_FIELDS) fields.slot(path);
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: KEY, mapping });
  const record = fields.newRecord();
  const rounds = Math.ceil(LINES_PER_PASS / lines.length);
  return () => {
    const since = process.cpuUsage();
    for (let round = 0; round < rounds; round++) {
      for (const line of lines) decoder.decode(line, 0, line.length, record);
    }
    const { user, system } = process.cpuUsage(since);
    return ((user + system) * 1000) / (rounds * lines.length);
  };
}

export const mappings: Section = {
  name: 'mappings',
  about: 'reading other logs through a mapping, beside decoding the events that it makes of them',
  run({ rounds }) {
    const rows = readyMappings().map((name) => {
      const mapping = loadMapping(name).mapping!;
      const lines = linesOf(name);
      const passes = [passOver(mapping, lines), passOver(undefined, eventsOf(mapping, lines))];
      for (const pass of passes) pass();
      const times: number[][] = passes.map(() => []);
      for (let i = 0; i < rounds; i++) for (const [k, pass] of passes.entries()) times[k]!.push(pass());
      const [mapped = 0, plain = 0] = times.map(median);
      return {
        name,
        figures: { [NS]: mapped, 'lines/CPU s': 1e9 / mapped, 'times the plain decoder': mapped / plain },
      };
    });
    return { tables: [{ title: 'lines of other logs', rows }], goals: [] };
  },
};
