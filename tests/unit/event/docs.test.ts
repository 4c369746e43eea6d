import { readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { KNOWN_FIELDS } from '../../../src/event/access-event.ts';
import { DEAD_LETTER_CODES } from '../../../src/event/decoder.ts';

const text = readFileSync(new URL('../../../docs/event.md', import.meta.url), 'utf8');

/** First column of the table under a heading. */
function firstColumn(heading: string): string[] {
  const section = text.split(/^## /m).find((part) => part.startsWith(heading)) ?? '';
  return [...section.matchAll(/^\| `([^`]+)` \|/gm)].map((match) => match[1]!);
}

describe('docs/event.md', () => {
  it('lists the codes of dead letters, all and only those', () => {
    expect(firstColumn('Dead letters')).toEqual([...DEAD_LETTER_CODES]);
  });

  it('lists the fields of the vocabulary, all and only those', () => {
    expect(firstColumn('Vocabulary')).toEqual([...KNOWN_FIELDS]);
  });
});
