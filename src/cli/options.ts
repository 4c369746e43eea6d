/** Values of options, checked as they are parsed: a wrong one is wrong usage, with the form that was expected. */

import { InvalidArgumentError, Option } from 'commander';
import { SETTINGS } from '../config/settings.ts';
import { parseTimeOrDay } from '../event/time.ts';
import { DURATION_FORM, parseDuration } from '../sigma/duration.ts';

/** Accepts the text of an option that stands for a setting if the setting accepts it. */
export function settingText(name: keyof typeof SETTINGS): (text: string) => string {
  return (text) => {
    const { success, error } = SETTINGS[name].schema.safeParse(text);
    if (!success) {
      const { message } = error.issues[0]!;
      throw new InvalidArgumentError(`${message[0]!.toUpperCase()}${message.slice(1)}.`);
    }
    return text;
  };
}

/** `--mapping`. Conflicts with `--timestamp-field`: a mapping itself says where the time is. */
export function mappingOption(description: string): Option {
  return new Option('-m, --mapping <mapping>', description).conflicts('timestampField');
}

/** `--placeholders`, which takes precedence over the setting. */
export function placeholdersOption(): Option {
  return new Option(
    '--placeholders <file>',
    'values of %name% under |expand, YAML or JSON (default: VIGIE_PLACEHOLDERS)',
  );
}

/** A duration in ms. */
export function durationMs(text: string): number {
  const ms = parseDuration(text);
  if (ms === undefined) throw new InvalidArgumentError(`Expected ${DURATION_FORM}.`);
  return ms;
}

/** The pause of a loop, ms: with none the loop would be busy all the time, and a timer waits 2^31 ms at most. */
export function pauseMs(text: string): number {
  const ms = durationMs(text);
  if (ms < 1000 || ms > 24 * 86_400_000) throw new InvalidArgumentError('Expected from 1s to 24d.');
  return ms;
}

/** A time in the form of events (UTC if it has no offset), or a day, as ms since the epoch. */
export function instantMs(text: string): number {
  const ms = parseTimeOrDay(text);
  if (Number.isNaN(ms)) throw new InvalidArgumentError('Expected a time such as 2025-07-12T20:00:00Z.');
  return ms;
}

export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d+$/.test(text) ? Number(text) : Number.NaN;
    if (!(number >= least && number <= most)) {
      throw new InvalidArgumentError(`Expected a whole number from ${least} to ${most}.`);
    }
    return number;
  };
}

/** `max`, or a multiple of real time. */
export function speedFactor(text: string): 'max' | number {
  if (text === 'max') return text;
  const factor = Number(text.replace(/x$/, '') || Number.NaN);
  if (!(factor > 0 && Number.isFinite(factor))) {
    throw new InvalidArgumentError('Expected max, or a number above 0 such as 60.');
  }
  return factor;
}
