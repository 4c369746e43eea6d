/** What another process has used, according to Linux (`/proc`). */

import { readFileSync } from 'node:fs';

/** Unit of /proc/PID/stat; 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;

export interface Usage {
  readonly residentMiB: number;
  readonly peakMiB: number;
  /** User and system, all threads. */
  readonly cpuSeconds: number;
}

/** Undefined if the process has ended. */
export function usageOf(pid: number): Usage | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const mebibytes = (name: string) =>
      Number(new RegExp(`^${name}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0) / 1024;
    // The program's name, in brackets, may contain spaces.
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
      .replace(/^.*\) /s, '')
      .split(' ');
    const cpuSeconds = (Number(stat[11]) + Number(stat[12])) / TICKS_PER_SECOND;
    const residentMiB = mebibytes('VmRSS');
    return residentMiB === 0 ? undefined : { residentMiB, peakMiB: mebibytes('VmHWM'), cpuSeconds };
  } catch {
    return undefined;
  }
}
