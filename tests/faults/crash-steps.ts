/** The named steps of docs/recovery.md at which a process can be killed, in the order in which they are met. */

/** Of every run. */
export const FLUSH_STEPS = [
  'alerts-computed',
  'alerts-sent',
  'alerts-written',
  'alerts-told',
  'archive-written',
  'letters-sent',
  'letters-written',
  'commit-sent',
  'committed',
  'state-begun',
  'state-half-written',
  'state-written',
  'state-synced',
  'state-renamed',
] as const;

/** Of a start that goes on from what another process left. */
export const START_STEPS = ['state-loaded', 'reading-again', 'read-again'] as const;

/** While ClickHouse is away. */
export const SPOOL_STEPS = [
  'spool-file-made',
  'spool-record-half-written',
  'spool-record-written',
  'spool-record-synced',
] as const;

/** When it is back. */
export const SENDING_STEPS = ['spooled-rows-sent', 'row-set-aside', 'spool-file-deleted'] as const;

export const CRASH_STEPS = [...FLUSH_STEPS, ...START_STEPS, ...SPOOL_STEPS, ...SENDING_STEPS] as const;

export type CrashStep = (typeof CRASH_STEPS)[number];
