/** Events of accounts that open records, as lines of a log. */

export const START = Date.UTC(2025, 6, 12, 21);

interface More {
  /** Number of the first record. Default 0. */
  readonly from?: number;
  /** Further fields of each event, and of `portal.records`. */
  readonly event?: object;
  readonly records?: object;
}

/** One account opens so many records, a second apart from `START` on. */
export function reads(
  account: string,
  count: number,
  { from = 0, event = {}, records = {} }: More = {},
): string {
  return Array.from({ length: count }, (_, i) => {
    const n = from + i;
    return `${JSON.stringify({
      '@timestamp': new Date(START + n * 1000).toISOString(),
      event: { id: `${account}-${n}`, action: 'record-view', outcome: 'success' },
      user: { id: account },
      service: { name: 'kairos' },
      portal: { records: { ids: [`p-${n}`], count: 1, ...records } },
      ...event,
    })}\n`;
  }).join('');
}
