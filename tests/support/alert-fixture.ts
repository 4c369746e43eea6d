/** An alert as the pipeline would write it; tests change the fields that matter to them. */

import type { Alert } from '../../src/alert/alert.ts';

/** The operators' part of an alert that nobody has looked at. */
export const UNTOUCHED = {
  state: 'new',
  assignee: '',
  acknowledgedBy: '',
  acknowledgedAt: null,
  notifyBy: Date.UTC(2025, 6, 15, 19, 0, 4),
  closedBy: '',
  closedAt: null,
  closeReason: '',
  comments: 0,
} as const;

export function alertFixture(changes: Partial<Alert> = {}): Alert {
  return {
    alertId: '0123456789abcdef0123456789abcdef',
    rule: 'bulk-read-by-account',
    ruleHash: '0123456789abcdef',
    title: "One account reads many persons' records",
    level: 'high',
    tags: ['attack.t1213'],
    runbook: 'Close the account; revoke its sessions.\nCall the organisation.',
    group: { 'user.id': "u-7'f3a\\", 'organization.id': null },
    status: 'firing',
    canary: false,
    mergedInto: '',
    resolution: '',
    inhibitedBy: '',
    firstEventAt: Date.UTC(2025, 6, 12, 19, 0, 0, 1),
    crossedAt: Date.UTC(2025, 6, 12, 19, 0, 3, 190),
    lastEventAt: Date.UTC(2025, 6, 12, 19, 59, 59, 999),
    detectedAt: Date.UTC(2025, 6, 12, 19, 0, 4),
    value: 150.5,
    valueEstimated: false,
    threshold: [
      { op: 'gte', value: 150 },
      { op: 'lt', value: 1e6 },
    ],
    usualUpTo: 42.5,
    events: 170_000,
    persons: 169_998,
    personsEstimated: true,
    records: 170_003,
    bytes: 3_102_954_000_123,
    totalsEstimated: false,
    accounts: ['u-91bc', "u-7'f3a\\"],
    applications: ['kairos'],
    organisations: ['38012345600011'],
    sourceNetworks: ['203.0.113.0/24', '2001:db8:1::/48'],
    categories: ['contact', 'nir'],
    sampleEventIds: ['01JZZZ0000000000000000000A', 'éè 😀'],
    recordsBeforeAlert: 150,
    timeToDetectMs: 3189,
    version: 1,
    ...changes,
  };
}
