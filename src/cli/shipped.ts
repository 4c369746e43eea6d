/** Files that come with Vigie: in a checkout beside `src`, in an installed package beside `dist`. */

import { fileURLToPath } from 'node:url';

/** Path of a file or folder, given from the root of the package. */
export function shipped(path: string): string {
  const root = import.meta.url.endsWith('.ts') ? '../../' : '../../../';
  return fileURLToPath(new URL(root + path, import.meta.url));
}
