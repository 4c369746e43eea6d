/** Numbers, instants, durations and sizes as people read them. */

export function count(value: number): string {
  return value.toLocaleString('en-GB', { maximumFractionDigits: 2 });
}

/** `1 event`, `2,000 events`, `2 series` */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}

/** `2025-07-12 20:00:10.479 UTC` */
export function instant(timeMs: number): string {
  return `${new Date(timeMs).toISOString().replace('T', ' ').replace('Z', '')} UTC`;
}

/** `10.5 s`, `4 min 10 s`, `2 h`, `3 d 4 h`. */
export function span(ms: number): string {
  // Rounded first: 119.7 s is 2 min, not 1 min 60 s.
  const tenths = Math.round(ms / 100);
  if (tenths < 600) return `${count(tenths / 10)} s`;
  const seconds = Math.round(ms / 1000);
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return both(minutes, 'min', seconds % 60, 's');
  const hours = Math.floor(minutes / 60);
  if (hours < 48) return both(hours, 'h', minutes % 60, 'min');
  return both(Math.floor(hours / 24), 'd', hours % 24, 'h');
}

function both(value: number, unit: string, rest: number, unitOfRest: string): string {
  return rest === 0 ? `${value} ${unit}` : `${value} ${unit} ${rest} ${unitOfRest}`;
}

export function bytes(value: number): string {
  if (value < 1e3) return `${value} B`;
  if (value < 1e6) return `${count(Math.round(value / 100) / 10)} kB`;
  if (value < 1e9) return `${count(Math.round(value / 1e5) / 10)} MB`;
  return `${count(Math.round(value / 1e8) / 10)} GB`;
}
