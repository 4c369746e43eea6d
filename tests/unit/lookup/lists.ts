/** Helpers: lookup lists from CSV texts. */

import { Lists, LookupList } from '../../../src/lookup/list.ts';
import { parseList } from '../../../src/lookup/parse-list.ts';

/** Name → CSV text, rows divided by line ends. */
export function listsOf(texts: Readonly<Record<string, string>>): Lists {
  return new Lists(
    Object.entries(texts).map(([name, text]) => {
      const parsed = parseList(text);
      if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
      return new LookupList(name, `lists/${name}.csv`, parsed.contents);
    }),
  );
}
