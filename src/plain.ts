/** Texts that others wrote, as people may see them: on a terminal, on a page, in a chat. */

/** What moves a terminal's cursor, clears or colours it, turns the direction of writing, or is not seen at all. */
const STEERING = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;

/**
 * A text that others wrote, for a terminal: what would steer it, or make two names look like one, is shown as `\u{1b}`.
 * Whoever chooses the name of an account must not choose what an operator sees.
 */
export function plain(text: string): string {
  return text.replaceAll(STEERING, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`);
}

/** `plain`, of a text of several lines. */
export function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}

/** The same of JSON, on several lines unless `indent` is 0: it stays JSON, of the same value. */
export function plainJson(value: unknown, indent = 2): string {
  return plainJsonText(JSON.stringify(value, null, indent));
}

/** The same of what is JSON already. */
export function plainJsonText(json: string): string {
  // Line breaks are those between its lines: in texts they are escaped already.
  return json.replaceAll(STEERING, (mark) => (mark === '\n' ? mark : mark.replaceAll(/[^]/g, unitEscape)));
}

/** A line of JSON on standard output, which may be a terminal: texts in it steer none. */
export function jsonLine(value: unknown): string {
  return `${plainJson(value, 0)}\n`;
}

function unitEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
