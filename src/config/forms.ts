/** How people write the values of settings, in the environment or in a file, and what of it is refused. */

import { z } from 'zod';
import { DURATION_FORM, parseDuration } from '../sigma/duration.ts';

export const duration = z.string(`expected ${DURATION_FORM}`).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) context.addIssue({ code: 'custom', message: `expected ${DURATION_FORM}` });
  return ms ?? 0;
});
export const NO_CREDENTIALS = 'expected no user and password in it: they have settings';
export const text = z
  .string('expected a text; in the file, put it in quotes')
  .min(1, 'expected a text that is not empty');
export const list = z
  .union(
    [z.string().transform((value) => value.split(',')), z.array(z.string())],
    'expected a list of texts, or one text with commas between',
  )
  .transform((values): readonly string[] =>
    Object.freeze(values.map((value) => value.trim()).filter((value) => value !== '')),
  );
export const someOf = list.refine((values) => values.length > 0, 'expected at least one');
/** Not `z.coerce`: to it a space is 0 and `true` is 1. */
export const whole = (least: number, most: number) =>
  z
    .union([z.int(), z.string().regex(/^\d+$/).transform(Number)], 'expected a whole number')
    .pipe(z.number().min(least, `expected at least ${least}`).max(most, `expected at most ${most}`));
/** In bytes. */
export const size = (least: number, leastText: string) =>
  z.union([z.int(), z.string()], SIZE_FORM).transform((value, context) => {
    const [, number, unit = ''] = /^(\d{1,12}) ?(|[KMGT]iB)$/.exec(String(value)) ?? [];
    const bytes = number === undefined ? Number.NaN : Number(number) * 1024 ** SIZE_UNITS.indexOf(unit);
    if (!(bytes >= least && bytes <= Number.MAX_SAFE_INTEGER)) {
      context.addIssue({ code: 'custom', message: `${SIZE_FORM}, at least ${leastText}` });
    }
    return bytes;
  });
const SIZE_UNITS = ['', 'KiB', 'MiB', 'GiB', 'TiB'];
const SIZE_FORM = 'expected a number of bytes, or one with KiB, MiB, GiB or TiB';
export const yesNo = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0'])], 'expected true or false')
  .transform((value) => value === true || value === 'true' || value === '1');

export const url = z
  .url({ protocol: /^https?$/, error: 'expected http(s)://host:port' })
  .refine((value) => !/:.*@/s.test(value), NO_CREDENTIALS);

/** The secret goes there: in clear only to this machine. */
export const tokenUrl = url.refine(
  (value) => value.startsWith('https:') || LOOPBACK_HOSTS.has(new URL(value).hostname),
  'expected https',
);
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);
