/** Rules and events that the tests of the commands share: small enough to say what must come out, to the byte. */

export const EXPORT_RULE = `
title: Export of records
id: 11111111-0000-4000-8000-000000000001
status: test
level: medium
logsource: {product: portal}
detection:
  sel: {event.action: record-export}
  condition: sel
`;

const READ_RULE = `
title: Record read
id: 11111111-0000-4000-8000-000000000002
name: read
status: test
level: informational
logsource: {product: portal}
detection:
  sel: {event.action: record-view}
  condition: sel
`;

export const BURST_RULE = `
title: Three reads in ten seconds
id: 11111111-0000-4000-8000-000000000003
status: test
level: high
correlation:
  type: event_count
  rules: [read]
  group-by: [user.id, service.name]
  timespan: 10s
  condition: {gte: 3}
`;

export const ALL_RULES = [EXPORT_RULE, READ_RULE, BURST_RULE].join('\n---\n');

/** One line of NDJSON: an event `second` seconds after 20:00 UTC. */
export function event(
  second: number,
  action: string,
  fields: Readonly<Record<string, unknown>> = {},
): string {
  const time = new Date(Date.UTC(2025, 6, 12, 20, 0, 0) + second * 1000).toISOString();
  return `${JSON.stringify({ '@timestamp': time, event: { id: `e${second}`, action }, user: { id: 'u1' }, ...fields })}\n`;
}
