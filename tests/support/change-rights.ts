import { chmodSync, statSync } from 'node:fs';

/** Changes a file's rights, at a time of its own: clocks of file systems may be coarse. */
export function changeRights(file: string): void {
  const { ctimeMs } = statSync(file);
  while (statSync(file).ctimeMs === ctimeMs) chmodSync(file, 0o600);
}
