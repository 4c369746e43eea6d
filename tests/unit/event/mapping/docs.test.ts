import { readFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { mappingSchema } from '../../../../src/event/mapping/mapping.ts';
import { TIME_FORMATS } from '../../../../src/event/mapping/log-time.ts';
import { readyMappings } from '../../../../src/files/mapping-files.ts';
import { described, mappingOf } from './support.ts';

const text = readFileSync(new URL('../../../../docs/mappings.md', import.meta.url), 'utf8');

/** First column of the first table under a heading. */
function firstColumn(heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  const [table = ''] = /(?:^\|.*\n)+/m.exec(section) ?? [];
  return Array.from(table.matchAll(/^\| `([^`]+)` \|/gm), ([, name]) => name!);
}

describe('docs/mappings.md', () => {
  test('lists the keys of a mapping and the ready mappings, all and only those', () => {
    expect(firstColumn('The file')).toEqual(Object.keys(mappingSchema.shape));
    expect(firstColumn('Ready ones')).toEqual(readyMappings());
  });

  test('names every format of times', () => {
    for (const format of TIME_FORMATS) expect(text).toContain(`\`${format}\``);
  });

  test('shows mappings that work', () => {
    const [own = '', example = ''] = Array.from(text.matchAll(/```yaml\n([^]*?)```/g), ([, yaml]) => yaml!);
    const [, line = ''] = /lines such as `(.*?)`/.exec(text) ?? [];
    expect(described(mappingOf(own), [line])).toMatch(/^1 record\n[^]*portal\.records\.count = 1\n/);
    const lines = [
      '203.0.113.7 u-7f3a [12/Jul/2025:23:04:11 +0200] GET /personne/0012345678 200 18',
      '203.0.113.9 - [12/Jul/2025:23:04:12 +0200] GET /healthz 200 1',
    ];
    const events = described(mappingOf(example), lines);
    expect(events).toMatch(
      /^1 record\n[^]*http\.response\.body\.bytes = 18432\n[^]*^2 skipped: health check$/m,
    );
  });
});
