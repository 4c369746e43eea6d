/** The forms of settings' values, in the environment or in a file, and what is refused. */

import { z } from 'zod';
import { DURATION_FORM, parseDuration } from '../sigma/duration.ts';

export const duration = z.string(`expected ${DURATION_FORM}`).transform((text, context) => {
  const ms = parseDuration(text);
  if (ms === undefined) context.addIssue({ code: 'custom', message: `expected ${DURATION_FORM}` });
  return ms ?? 0;
});

export const durationUpTo = (most: string) =>
  duration.refine((ms) => ms <= parseDuration(most)!, `expected at most ${most}`);

/** For a timer: Node fires one beyond its 32-bit limit of 24.8 days after a millisecond. */
export const interval = durationUpTo('24d');
const NO_CREDENTIALS = 'expected no user and password in it: they have settings';
export const text = z
  .string('expected a text; in the file, put it in quotes')
  .regex(/\S/, 'expected a text that is not empty');
const list = z
  .union(
    [z.string().transform((value) => value.split(',')), z.array(z.string())],
    'expected a list of texts, or one text with commas between',
  )
  .transform((values): readonly string[] =>
    Object.freeze(values.map((value) => value.trim()).filter((value) => value !== '')),
  );
export const someOf = list.refine((values) => values.length > 0, 'expected at least one');
/** KafkaJS cuts an address at its first colon, so IPv6 needs a host name. */
export const brokers = someOf
  .refine((addresses) => !addresses.join().includes('@'), NO_CREDENTIALS)
  .refine((addresses) => addresses.every(isHostAndPort), 'expected host:port, several separated by commas');
/** The names that brokers accept. */
export const topicName = text.regex(
  /^(?!\.{1,2}$)[A-Za-z0-9._-]{1,249}$/,
  'expected the name of a topic: letters, digits, dots, underscores and hyphens, at most 249',
);
function isHostAndPort(address: string): boolean {
  const [, port = 0] = /^[^\s:;/]+:(\d{1,5})$/.exec(address) ?? [];
  return Number(port) >= 1 && Number(port) <= 65_535;
}

/** Not `z.coerce`, which reads a space as 0 and `true` as 1. */
export const whole = (least: number, most: number) =>
  z
    .union([z.int(), z.string().regex(/^\d+$/).transform(Number)], 'expected a whole number')
    .pipe(z.number().min(least, `expected at least ${least}`).max(most, `expected at most ${most}`));
/** In bytes. */
export const size = (least: string, most: string) =>
  z.union([z.int(), z.string()], SIZE_FORM).transform((value, context) => {
    const bytes = bytesOf(String(value));
    if (!(bytes >= bytesOf(least) && bytes <= bytesOf(most))) {
      context.addIssue({ code: 'custom', message: `${SIZE_FORM}, from ${least} to ${most}` });
    }
    return bytes;
  });
/** NaN for anything else. */
function bytesOf(value: string): number {
  const [, number, unit = ''] = /^(\d{1,12}) ?(|[KMGT]iB)$/.exec(value) ?? [];
  return number === undefined ? Number.NaN : Number(number) * 1024 ** SIZE_UNITS.indexOf(unit);
}
const SIZE_UNITS = ['', 'KiB', 'MiB', 'GiB', 'TiB'];
const SIZE_FORM = 'expected a number of bytes, or one with KiB, MiB, GiB or TiB';
export const yesNo = z
  .union([z.boolean(), z.enum(['true', 'false', '1', '0']), z.literal([1, 0])], 'expected true or false')
  .transform((value) => ['true', '1'].includes(String(value)));

const url = z
  .url({ protocol: /^https?$/, error: 'expected http(s)://host:port' })
  .refine((value) => !/:.*@/s.test(value), NO_CREDENTIALS);

/** The client takes a path for the name of the database, not for a server's location behind a proxy. */
export const serverUrl = url
  .refine((value) => !value.includes('?'), 'expected no parameters in it')
  .refine((value) => !/^https?:\/\/[^/?#]+(?:\/[^?]|#)/i.test(value), 'expected nothing behind host:port');

/** The secret is sent there: unencrypted only to this machine. */
export const tokenUrl = url.refine((value) => {
  const parsed = URL.parse(value);
  return parsed?.protocol === 'https:' || LOOPBACK_HOSTS.has(parsed?.hostname ?? '');
}, 'expected https');
const LOOPBACK_HOSTS: ReadonlySet<string> = new Set(['127.0.0.1', 'localhost', '[::1]']);

/** 16 bytes. */
export const key = z
  .string('expected 32 hex digits in quotes')
  .regex(/^[0-9a-fA-F]{32}$/, 'expected 32 hex digits (16 bytes)');

export const webhookSecret = z
  .string('expected a text')
  .regex(/^whsec_[A-Za-z0-9+/]{32,86}={0,2}$/, 'expected whsec_ and 24 to 64 bytes in base64');
