/**
 * JSON may hold half of a surrogate pair ("\ud800"), which UTF-8 cannot encode, and ClickHouse refuses a whole insert
 * because of one. Such a half becomes U+FFFD, as it does wherever else a text is encoded.
 */

/** The value with every text in it well-formed, including keys. */
export function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed();
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(wellFormed);
  return Object.fromEntries(Object.entries(value).map(([key, it]) => [key.toWellFormed(), wellFormed(it)]));
}
