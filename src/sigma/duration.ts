/**
 * Durations as rules write them: an integer and one unit letter. A month is always 30 days and a year 365, because
 * a sliding window has no calendar to count real months on.
 */

const UNIT_MS: Readonly<Record<string, number>> = {
  s: 1_000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 7 * 86_400_000,
  M: 30 * 86_400_000,
  y: 365 * 86_400_000,
};

/** What a duration looks like, for messages. */
export const DURATION_FORM = 'an integer and one of s, m, h, d, w, M (30 days), y (365 days), e.g. 90m';

/** `90m` → ms. Undefined if the text is no duration or too long to count in ms. Zero is a duration. */
export function parseDuration(text: string): number | undefined {
  const parts = /^(\d+)([smhdwMy])$/.exec(text);
  if (parts === null) return undefined;
  const ms = Number(parts[1]) * UNIT_MS[parts[2]!]!;
  return Number.isSafeInteger(ms) ? ms : undefined;
}
