/**
 * The ways to read persons' data through a portal, as the events that such reads would leave, which the budget tries on
 * the rules. A thief takes the way that the rules watch least.
 */

import type { LookupList } from '../lookup/list.ts';
import { parseAddress } from '../sigma/ip.ts';

/** Paris time: Wednesday 9 July 2025, 10:00, and Sunday 13 July 2025, 03:00. */
const TIMES = { 'in working hours': '2025-07-09T08:00:00Z', 'off hours': '2025-07-13T01:00:00Z' } as const;

const ACTIONS = ['record-view', 'record-list', 'record-export', 'document-download'] as const;

export interface Way {
  readonly action: (typeof ACTIONS)[number];
  readonly time: keyof typeof TIMES;
  /** The lookup list that contains the read, by its origin, say. */
  readonly listed?: string;
}

export const WAYS: readonly Way[] = ACTIONS.flatMap((action) =>
  (Object.keys(TIMES) as Way['time'][]).map((time) => ({ action, time })),
);

/**
 * Whose data: persons that the account does not accompany, as in the known thefts, or those that it does, who are
 * limited in number. The values are the `portal.records.out_of_scope_count` of a read of one person.
 */
export const SCOPES = { 'beyond the caseload': 1, 'of the caseload': 0 } as const;
export type Scope = keyof typeof SCOPES;

/** Who takes the data: one of these, however many of the others it controls. */
export interface Taker {
  readonly name: 'account' | 'unattended account' | 'organisation' | 'creator';
  /** Fields that are the same in all its reads; it can vary everything else in an event. */
  readonly same: readonly string[];
  readonly event: Readonly<Record<string, unknown>>;
}

const OF_ACCOUNT = ['user.id', 'user.roles', 'organization.id', 'organization.name'];

export const TAKERS: readonly Taker[] = [
  { name: 'account', same: OF_ACCOUNT, event: {} },
  { name: 'unattended account', same: OF_ACCOUNT, event: { 'user.roles': ['service'] } },
  { name: 'organisation', same: ['organization.id', 'organization.name'], event: {} },
  {
    name: 'creator',
    same: ['portal.account.created_by'],
    // As portals report it while an account is young.
    event: {
      'portal.account.created_by': 'budget-creator',
      'portal.account.created_at': '2025-07-08T08:00:00Z',
    },
  },
];

/** Fields that identify takers. A list with no others singles out a taker, and no other taker can appear in it. */
const WHO = new Set(TAKERS.flatMap(({ same }) => same));

/** `WAYS`, and the same again for each list that contains something a taker can choose: a network, a country. */
export function waysWith(lists: readonly LookupList[]): readonly Way[] {
  const chosen = lists.filter(
    ({ columns, contents }) => contents.rows.length > 0 && columns.some((column) => !WHO.has(column)),
  );
  return [...WAYS, ...chosen.flatMap(({ name }) => WAYS.map((way) => ({ ...way, listed: name })))];
}

/** The fields of an event that the list contains. */
export function listedFields({ columns, contents }: LookupList): Readonly<Record<string, string>> {
  return Object.fromEntries(columns.map((column, c) => [column, valueOf(contents.rows[0]![c]!)]));
}

/** A network starts with one of its addresses. */
function valueOf(cell: string): string {
  const [start = ''] = cell.split('/');
  return parseAddress(start) === undefined ? cell : start;
}

/** One read of one person, otherwise as inconspicuous as possible. */
export function eventOf(
  taker: Taker,
  scope: Scope,
  way: Way,
  personFields: readonly string[],
): Readonly<Record<string, unknown>> {
  return {
    '@timestamp': TIMES[way.time],
    'event.action': way.action,
    'event.outcome': 'success',
    'user.id': 'budget-account',
    'user.roles': ['conseiller'],
    'organization.id': 'budget-organisation',
    'organization.name': 'budget-organisation',
    'service.name': 'budget-application',
    'source.ip': '192.0.2.1',
    'source.geo.country_iso_code': 'FR',
    'user_agent.original': 'Mozilla/5.0',
    'http.request.method': 'GET',
    'http.response.status_code': 200,
    'http.response.body.bytes': 700,
    'portal.app.lifecycle': 'active',
    'portal.auth.amr': ['pwd', 'totp'],
    'portal.session.id': 'budget-session',
    'portal.session.started_at': '2025-07-09T07:00:00Z',
    'portal.records.count': 1,
    'portal.records.ids': ['budget-person'],
    'portal.records.out_of_scope_count': SCOPES[scope],
    'portal.records.structures': ['budget-structure'],
    'portal.records.sensitivity': ['contact'],
    ...Object.fromEntries(personFields.map((field) => [field, ['budget-person']])),
    ...taker.event,
  };
}

/** The ways in words; '' for all. Lists that make no difference are left out. */
export function waysText(ways: readonly Way[]): string {
  const texts = new Map<string | undefined, string>();
  for (const list of new Set(ways.map(({ listed }) => listed))) {
    texts.set(list, textOf(ways.filter(({ listed }) => listed === list)));
  }
  const unlisted = texts.get(undefined);
  return [...texts]
    .filter(([list, text]) => list === undefined || text !== unlisted)
    .map(([list, text]) => (list === undefined ? text : `${text || 'reads'} that the list ${list} has`))
    .join('; ');
}

function textOf(ways: readonly Way[]): string {
  const byTimes = new Map<string, string[]>();
  for (const action of ACTIONS) {
    const times = ways.filter((way) => way.action === action).map(({ time }) => time);
    if (times.length === 0) continue;
    const when = times.length === Object.keys(TIMES).length ? '' : ` ${times.join(', ')}`;
    byTimes.set(when, [...(byTimes.get(when) ?? []), action]);
  }
  return [...byTimes]
    .map(([when, actions]) => `${actions.length === ACTIONS.length ? '' : actions.join(', ')}${when}`.trim())
    .join('; ');
}
