/**
 * Aggregations that Sigma once had in conditions (`selection | count() by user > 10`). They are no longer part of
 * the language, so they are refused, with a correlation that says the same.
 */

const AGGREGATION =
  /^\s*(count|sum|avg|min|max)\s*\(\s*([^)]*?)\s*\)\s*(?:by\s+([^<>=]*[^<>=\s])\s*)?(>=|<=|>|<|=)\s*(\d+(?:\.\d+)?)\s*$/i;
/** Percentiles of the smallest and the largest value. */
const PERCENTILES: Readonly<Record<string, number>> = { min: 0, max: 100 };
const OPERATORS: Readonly<Record<string, string>> = {
  '>': 'gt',
  '>=': 'gte',
  '<': 'lt',
  '<=': 'lte',
  '=': 'eq',
};

/**
 * The message for what follows the `|` of a condition. `rule` is the name by which a correlation can refer to the
 * rule.
 */
export function legacyAggregationMessage(
  aggregation: string,
  timeframe: string | undefined,
  rule: string,
): string {
  const start = 'aggregations are no longer part of a condition; end it before "|" and write a correlation: ';
  const parts = AGGREGATION.exec(aggregation);
  const timespan = timeframe ?? '<how long>';
  if (parts === null && /^\s*near\b/i.test(aggregation)) {
    return `${start}correlation: {type: temporal, rules: [${rule}, <other rule>], group-by: [<field>], timespan: ${timespan}}`;
  }
  if (parts === null) {
    return `${start}correlation: {type: event_count, rules: [${rule}], group-by: [<field>], timespan: ${timespan}, condition: {gte: <how many>}}`;
  }
  const [, given = 'count', field = '', groupBy, operator = '>', value = '0'] = parts;
  const name = given.toLowerCase();
  const percentile = PERCENTILES[name];
  const type = field === '' ? 'event_count' : `value_${percentile === undefined ? name : 'percentile'}`;
  const measure = percentile === undefined ? '' : `percentile: ${percentile}, `;
  const measured = field === '' ? '' : `field: ${field}, ${measure}`;
  const grouped = groupBy === undefined ? '' : `group-by: [${groupBy}], `;
  const condition = `{${measured}${OPERATORS[operator]}: ${value}}`;
  return `${start}correlation: {type: ${type}, rules: [${rule}], ${grouped}timespan: ${timespan}, condition: ${condition}}`;
}
