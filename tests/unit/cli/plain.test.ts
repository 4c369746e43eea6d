import { expect, test } from 'vitest';
import { plain, plainJson } from '../../../src/cli/terminal.ts';

/** Zero width, marks of direction, a soft hyphen, a mark of byte order, fillers, variations, and a tag of another plane. */
const UNSEEN = ['\u200b', '\u200f', '\u061c', '\u00ad', '\ufeff', '\u3164', '\ufe0f', '\u{e0041}'];

test('two names that would look alike do not, in text and in JSON, which stays of the same value', () => {
  for (const mark of UNSEEN) {
    const name = `admin${mark}`;
    expect(plain(name)).toBe(`admin\\u{${mark.codePointAt(0)!.toString(16)}}`);
    const json = plainJson({ name });
    expect(json).not.toContain(mark);
    expect(JSON.parse(json)).toEqual({ name });
  }
});
