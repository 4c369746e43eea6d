/** The categories of an event as one text of a dictionary, and back. */

import { OTHERS } from './dictionary.ts';

/** In UTF-16 units, of all categories of an event together; a single one may be longer. */
const LONGEST = 256;
/** A text that begins with it is a JSON list. */
const LIST = '[';

/** Returns the text of a single category, as nearly every event has it. */
export function categoryText(category: string): string {
  return category.startsWith(LIST) ? JSON.stringify([category]) : category;
}

/** Returns the text of the categories; those beyond a bound are left out, and stand there as `OTHERS`. */
export function categoriesText(categories: readonly string[]): string {
  if (categories.length <= 1) return categoryText(categories[0] ?? '');
  const listed: string[] = [];
  let length = 0;
  for (const category of categories) {
    length += category.length;
    if (length > LONGEST && listed.length > 0) {
      listed.push(OTHERS);
      break;
    }
    listed.push(category);
  }
  return JSON.stringify(listed);
}

/** Returns the categories of the texts, each once. */
export function categoriesOf(texts: readonly string[]): string[] {
  const all = texts.flatMap((text) => (text.startsWith(LIST) ? (JSON.parse(text) as string[]) : [text]));
  return [...new Set(all)].sort();
}
