/**
 * Many rules: the same events against 10, 100, 1,000 and 3,000 rules, and how long 3,000 take to load.
 *
 * The rules have the forms of public rules: an event code and fragments, a program's path and all of some fragments, a
 * choice of two fields, exceptions by `not`, regular expressions. The events have every field that the rules use, so no
 * rule is skipped for lack of a field, and they match one of the first ten rules or none: only the number of rules that
 * could match but do not grows.
 */

import { createDecoder } from '../src/event/create-decoder.ts';
import { FieldTable } from '../src/event/record.ts';
import { compileMatcher } from '../src/sigma/matcher.ts';
import { parseRules } from '../src/sigma/parse-rules.ts';
import type { BaseRule } from '../src/sigma/rule.ts';
import { compare, median } from './rounds.ts';
import { NS, type Section } from './section.ts';

const COUNTS = [10, 100, 1_000, 3_000];
const EVENTS = 50_000;

export const match: Section = {
  name: 'match',
  about: 'decoding and matching, by the number of rules',
  run({ rounds, quick }) {
    const count = quick ? EVENTS / 10 : EVENTS;
    const text = Array.from({ length: Math.max(...COUNTS) }, (_, i) => ruleDocument(i)).join('---\n');
    const rules = loaded(text);
    const { bytes, ends } = events(count);
    const rows = compare(
      COUNTS.map((most) => ({ name: `${most} rules`, run: passOver(rules.slice(0, most), bytes, ends) })),
      count,
      rounds,
    );
    if (rows.some(({ proof }) => proof === 0 || proof !== rows[0]!.proof))
      throw new Error(
        'the events match others than the first ten rules: the benchmark measures something else',
      );
    const loads = Array.from({ length: Math.min(rounds, 3) }, () => {
      const before = process.cpuUsage();
      compileMatcher(loaded(text), new FieldTable());
      const { user, system } = process.cpuUsage(before);
      return (user + system) / 1000;
    });
    return {
      tables: [
        {
          title: `${count.toLocaleString('en-GB')} events that have every field, against ever more rules`,
          rows: rows.map(({ name, nsPerEvent, ratio, lowest, highest }) => ({
            name,
            figures: { [NS]: nsPerEvent, '× ten rules': ratio, lowest, highest },
          })),
        },
        {
          title: 'loading',
          rows: [
            { name: `${rules.length} rules: parse, check, compile`, figures: { 'CPU ms': median(loads) } },
          ],
        },
      ],
      goals: [],
    };
  },
};

function loaded(text: string): readonly BaseRule[] {
  const { rules, faults } = parseRules([{ file: 'generated', text }]);
  if (faults.length > 0) throw new Error(`the generated rules are faulty: ${faults[0]!.message}`);
  return rules;
}

/** Decodes all events and counts the matches. */
function passOver(rules: readonly BaseRule[], bytes: Buffer, ends: readonly number[]): () => number {
  const fields = new FieldTable();
  const matcher = compileMatcher(rules, fields);
  const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: new Uint8Array(16) });
  const record = fields.newRecord();
  return () => {
    let matches = 0;
    let start = 0;
    for (const end of ends) {
      if (decoder.decode(bytes, start, end, record) === undefined) matches += matcher.match(record);
      start = end;
    }
    return matches;
  };
}

const SERVICES = ['process-creation', 'authentication', 'service-control', 'registry', 'script'];
const FOLDERS = ['System32', 'SysWOW64', 'Temp', 'Public', 'ProgramData'];

/** A word unique to this number, which no event contains beyond the first ten. */
function word(i: number): string {
  return `${['sync', 'load', 'dump', 'scan', 'mount', 'proxy'][i % 6]!}${(i * 7919 + 1_000_003).toString(36)}`;
}

function ruleDocument(i: number): string {
  const head = `title: Generated rule ${i}
id: ${i.toString(16).padStart(8, '0')}-0000-4000-8000-000000000000
status: test
description: >-
  Detects the use of ${word(i)}, which is how the workload spells
  one of many tools that nobody here runs.
references:
  - https://example.org/${i}
author: bench
date: 2025-07-12
tags: [attack.execution, attack.t1059.${String(i % 999).padStart(3, '0')}]
logsource: {category: ${SERVICES[i % SERVICES.length]!}, product: windows}
`;
  return `${head}detection:\n${detection(i)}falsepositives: [Unknown]\nlevel: medium\n`;
}

function detection(i: number): string {
  const tool = word(i);
  const folder = FOLDERS[i % FOLDERS.length]!;
  switch (i % 10) {
    case 0:
    case 1:
      return `  selection:
    EventID: ${4_600 + (i % 40)}
    ServiceName|contains: [${tool}, '${tool}-svc']
  condition: selection
`;
    case 2:
    case 3:
    case 4:
      return `  selection:
    Image|endswith: '\\${tool}.exe'
    CommandLine|contains|all: ['-${tool}', ' /c ']
  condition: selection
`;
    case 5:
    case 6:
      return `  selection_image:
    - Image|endswith: ['\\${tool}.exe', '\\${tool}64.exe']
    - OriginalFileName: '${tool}.exe'
  selection_options:
    CommandLine|contains: [' -enc ', ' -w hidden', '${tool}']
  condition: all of selection_*
`;
    case 7:
      return `  selection:
    TargetObject|contains: '\\CurrentVersion\\${tool}\\'
  filter_main_system:
    Image|startswith: 'C:\\Windows\\${folder}\\'
  filter_main_parent:
    ParentImage|endswith: '\\services.exe'
  condition: selection and not 1 of filter_main_*
`;
    case 8:
      return `  selection:
    ParentImage|endswith: '\\explorer.exe'
    CommandLine|contains: '${tool}'
  condition: selection
`;
    default:
      return `  selection:
    CommandLine|contains: '${tool}'
    CommandLine|re: '${tool}\\s+-[a-z]{1,8}\\s+\\\\\\\\'
  condition: selection
`;
  }
}

/** Events of a few hundred bytes; one in fifty matches one of the first ten rules. */
function events(count: number): { bytes: Buffer; ends: number[] } {
  const lines: Buffer[] = [];
  const ends: number[] = [];
  let size = 0;
  for (let i = 0; i < count; i++) {
    const tool = i % 50 === 0 ? word(2 + ((i / 50) % 3)) : `app${(i * 31) % 997}`;
    const line = Buffer.from(
      JSON.stringify({
        '@timestamp': new Date(Date.UTC(2025, 6, 12) + i * 20).toISOString(),
        event: { id: `e-${i}`, kind: 'event' },
        host: { name: `PC-${i % 300}` },
        EventID: 4_600 + (i % 40),
        ServiceName: `Service ${i % 90}`,
        Image: `C:\\Windows\\${FOLDERS[i % FOLDERS.length]!}\\${tool}.exe`,
        OriginalFileName: `${tool}.exe`,
        CommandLine: `"${tool}.exe" -${tool} /c start --profile user${i % 5_000} --output D:\\Data\\Reports\\${i % 700}.csv`,
        ParentImage: i % 2 === 0 ? 'C:\\Windows\\explorer.exe' : 'C:\\Windows\\System32\\services.exe',
        TargetObject: `HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Run\\Item${i % 40}`,
        User: `DOMAIN\\user${i % 5_000}`,
      }),
    );
    lines.push(line);
    size += line.length;
    ends.push(size);
  }
  return { bytes: Buffer.concat(lines), ends };
}
