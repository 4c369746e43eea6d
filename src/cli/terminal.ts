/** How commands present output: colours and progress bars on a terminal only, tables, readable numbers. */

import { styleText } from 'node:util';
import Table from 'cli-table3';
import { SingleBar } from 'cli-progress';
import { bytes, count, span } from '../figures.ts';
import { plain } from '../plain.ts';
import { formatCondition } from '../sigma/ast.ts';
import type { BaseRule, CorrelationRule, Level, RuleSet } from '../sigma/rule.ts';

export { bytes, count, instant, plural, span } from '../figures.ts';
export { jsonLine, plain, plainJson, plainLines } from '../plain.ts';

type Style = Parameters<typeof styleText>[0];

/** Styled if standard output is a terminal with colours. */
export function styled(style: Style, text: string): string {
  return styleText(style, text, { stream: process.stdout });
}

const LEVEL_STYLE: Record<Level, Style> = {
  informational: 'dim',
  low: 'blue',
  medium: 'yellow',
  high: 'magenta',
  critical: ['bold', 'red'],
};

export function styledLevel(level: Level): string {
  return styled(LEVEL_STYLE[level], level);
}

/**
 * Quotes a text from outside as one word of a command that a person may copy into a shell, which expands nothing in it.
 * Undefined if it contains terminal control characters: shown as `\u{1b}`, it would be another text.
 */
export function shellWord(text: string): string | undefined {
  return plain(text) === text ? `'${text.replaceAll("'", String.raw`'\''`)}'` : undefined;
}

/** A borderless table; numbers have to be formatted already. */
export function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const none = Object.fromEntries(
    [
      'top',
      'top-mid',
      'top-left',
      'top-right',
      'bottom',
      'bottom-mid',
      'bottom-left',
      'bottom-right',
      'left',
      'left-mid',
      'mid',
      'mid-mid',
      'right',
      'right-mid',
      'middle',
    ].map((name) => [name, name === 'middle' ? '  ' : '']),
  );
  const result = new Table({
    head: head.map((name) => styled('bold', name)),
    chars: none,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
  });
  result.push(...rows.map((row) => [...row]));
  return result.toString().replaceAll(/ +$/gm, '');
}

/** `12 skipped (static files 10, no case 2)` */
export function skippedText(byReason: ReadonlyMap<string, number>): string {
  const total = [...byReason.values()].reduce((sum, lines) => sum + lines, 0);
  const parts = [...byReason]
    .sort(([, a], [, b]) => b - a)
    .map(([reason, lines]) => `${plain(reason)} ${count(lines)}`);
  return `${count(total)} skipped${total === 0 ? '' : ` (${parts.join(', ')})`}`;
}

/** What a mapping skipped or replaced, one line each. */
export function mappedText(of: {
  readonly skipped: ReadonlyMap<string, number>;
  readonly replaced: number;
}): string {
  const skipped = of.skipped.size === 0 ? '' : `${skippedText(of.skipped)}, as the mapping says\n`;
  return `${skipped}${of.replaced === 0 ? '' : `${replacedText(of.replaced)}\n`}`;
}

/** `2 lines have bytes that are no UTF-8, read as U+FFFD` */
export function replacedText(lines: number): string {
  const have = lines === 1 ? '1 line has' : `${count(lines)} lines have`;
  return `${have} bytes that are no UTF-8, read as U+FFFD`;
}

/** Why an unsorted log yields little. `setting`: the one that allows more lateness. */
export function lateText(late: number, latenessMs: number, setting: string): string {
  const [events, them] = late === 1 ? ['1 event is', 'it'] : [`${count(late)} events are`, 'them'];
  return `${events} more than ${span(latenessMs)} older than events before ${them}, and windows that end before those were judged without: sort the log by time, or allow more with ${setting}`;
}

/** Events that no window counted, one line per reason; '' if there are none. */
export function uncountedText(conflicts: number, withoutGroup: ReadonlyMap<string, number>): string {
  const lines = [...withoutGroup].map(
    ([fields, skipped]) =>
      `${skipped === 1 ? '1 event lacks' : `${count(skipped)} events lack`} ${plain(fields)}, by which a rule groups them: it skipped them\n`,
  );
  if (conflicts > 0) {
    lines.unshift(
      `${conflicts === 1 ? '1 event has' : `${count(conflicts)} events have`} the event.id of an earlier one and another time: they were left out, and nobody looked at them\n`,
    );
  }
  return lines.join('');
}

/** When a rule fires, on one line, as in the rule. Also used in JSON, so nothing is escaped. */
export function conditionOf(rule: BaseRule | CorrelationRule, { rules, correlations }: RuleSet): string {
  if (rule.kind === 'rule') return 'an event matches';
  const nameOf = (key: string): string => {
    const is = (each: { readonly key: string }): boolean => each.key === key;
    return (rules.find(is) ?? correlations.find(is))?.name ?? key;
  };
  const { type, fields, percentile, bounds, ruleCondition } = rule;
  const measured = [...fields, ...(percentile === undefined ? [] : [String(percentile)])];
  const what = measured.length > 0 ? `${type}(${measured.join(', ')})` : type;
  const asked =
    ruleCondition === undefined
      ? bounds.map(({ op, value }) => `${op} ${count(value)}`).join(' and ')
      : formatCondition(ruleCondition, nameOf);
  const by = rule.groupBy.length > 0 ? ` by ${rule.groupBy.join(', ')}` : '';
  return `${what} ${asked}${narrowed(rule, nameOf)} in ${span(rule.timespanMs)}${by}`;
}

function narrowed(
  { baseline, begunBefore, newTerms, scaleBy, sequence }: CorrelationRule,
  nameOf: (key: string) => string,
): string {
  return [
    scaleBy && ` and ${count(scaleBy.factor)} × ${scaleBy.column} of ${scaleBy.list}`,
    sequence && ` and a run of ${count(sequence.minRun)} ids in ${sequence.field}`,
    begunBefore && ` with ${begunBefore.field} before ${nameOf(begunBefore.rule)}`,
    newTerms && ` with new ${newTerms.fields.join(', ')}`,
    baseline && ' above the baseline',
  ]
    .filter((each) => each !== undefined)
    .join('');
}

export interface Progress {
  update(done: number, note?: string): void;
  stop(): void;
}

/** A bar on standard error if that is a terminal, otherwise nothing. */
export function progressBar(what: string, total: number): Progress {
  if (!process.stderr.isTTY) return { update: () => {}, stop: () => {} };
  const bar = new SingleBar({
    format: `${what} {bar} {percentage}% {note}`,
    barsize: 30,
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    stream: process.stderr,
    fps: 10,
    clearOnComplete: true,
  });
  bar.start(Math.max(1, total), 0, { note: '' });
  return {
    update: (done, note = '') => bar.update(Math.min(done, total), { note }),
    stop: () => bar.stop(),
  };
}

/** A progress bar over the bytes of a file; none for a stream, whose length is unknown. */
export function fileProgress(
  what: string,
  file: { readonly bytesRead: number; readonly totalBytes: number | undefined },
): { update(): void; stop(): void } {
  let bar: Progress | undefined;
  return {
    update: () => {
      const { bytesRead, totalBytes } = file;
      if (totalBytes === undefined) return;
      bar ??= progressBar(what, totalBytes);
      bar.update(bytesRead, `${bytes(bytesRead)} of ${bytes(totalBytes)}`);
    },
    stop: () => bar?.stop(),
  };
}
