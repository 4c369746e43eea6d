/** Text from outside, made safe to show to people: on a terminal, on a page, in a chat. */

/** Characters that move a terminal's cursor, clear or colour it, change the direction of writing, or are invisible. */
const STEERING = /[\p{Cc}\p{Cf}\p{Default_Ignorable_Code_Point}\u2028\u2029]/gu;

/**
 * Text from outside, for a terminal: characters that would control it, or make two names look alike, are shown as
 * `\u{1b}`. Whoever chooses an account's name must not choose what an operator sees.
 */
export function plain(text: string): string {
  return text.replaceAll(STEERING, (mark) => `\\u{${mark.codePointAt(0)!.toString(16)}}`);
}

/** `plain` for a text of several lines. */
export function plainLines(text: string): string {
  return text.split('\n').map(plain).join('\n');
}

/** The same for JSON, indented unless `indent` is 0. The result is still JSON, with the same value. */
export function plainJson(value: unknown, indent = 2): string {
  return plainJsonText(JSON.stringify(value, null, indent));
}

/** The same for text that is JSON already. */
export function plainJsonText(json: string): string {
  // Line breaks only separate its lines: within texts they are escaped already.
  return json.replaceAll(STEERING, (mark) => (mark === '\n' ? mark : mark.replaceAll(/[^]/g, unitEscape)));
}

/** A line of JSON for standard output, which may be a terminal: no text in it can control one. */
export function jsonLine(value: unknown): string {
  return `${plainJson(value, 0)}\n`;
}

function unitEscape(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
}
