/**
 * The aggregations that Sigma once had in conditions (`selection | count() by user > 10`): no longer part
 * of the language, so they are refused, with the correlation that says the same.
 */

const AGGREGATION = /^\s*(count|sum|avg)\s*\(\s*([^)]*?)\s*\)\s*(?:by\s+(\S+)\s*)?(>=|<=|>|<|=)\s*(\d+)\s*$/i;
const OPERATORS: Readonly<Record<string, string>> = {
  '>': 'gt',
  '>=': 'gte',
  '<': 'lt',
  '<=': 'lte',
  '=': 'eq',
};

/** The message for what stands behind the `|` of a condition. `rule` is how a correlation can refer to it. */
export function legacyAggregationMessage(
  aggregation: string,
  timeframe: string | undefined,
  rule: string,
): string {
  const start = 'aggregations are no longer part of a condition; end it before "|" and write a correlation: ';
  const parts = AGGREGATION.exec(aggregation);
  const timespan = timeframe ?? '<how long>';
  if (parts === null) {
    return `${start}correlation: {type: temporal, rules: [${rule}, <other rule>], group-by: [<field>], timespan: ${timespan}}`;
  }
  const [, name = 'count', field = '', groupBy, operator = '>', value = '0'] = parts;
  const type = field === '' ? 'event_count' : `value_${name.toLowerCase()}`;
  const measured = field === '' ? '' : `field: ${field}, `;
  const grouped = groupBy === undefined ? '' : `group-by: [${groupBy}], `;
  const condition = `{${measured}${OPERATORS[operator]}: ${value}}`;
  return `${start}correlation: {type: ${type}, rules: [${rule}], ${grouped}timespan: ${timespan}, condition: ${condition}}`;
}
