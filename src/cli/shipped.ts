/** Files shipped with Vigie: beside `src` in a checkout, beside `dist` in an installed package. */

import { fileURLToPath } from 'node:url';

/** Absolute path of a file or folder given relative to the root of the package. */
export function shipped(path: string): string {
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../../../';
  return fileURLToPath(new URL(root + path, import.meta.url));
}
