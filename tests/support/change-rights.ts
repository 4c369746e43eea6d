import { chmodSync, statSync } from 'node:fs';

/** Changes a file's rights until its change time differs: clocks of file systems may be coarse. */
export function changeRights(file: string): void {
  const { ctimeMs } = statSync(file);
  while (statSync(file).ctimeMs === ctimeMs) chmodSync(file, 0o600);
}
