/** All sections, in running order. */

import { cores } from './cores.ts';
import { decode } from './decode.ts';
import { hostilePath } from './hostile.ts';
import { mappings } from './mappings.ts';
import { match } from './match.ts';
import { memory } from './memory.ts';
import { generators } from './replay.ts';
import type { Section } from './section.ts';
import { service } from './service.ts';
import { state } from './state.ts';
import { wholePath } from './whole-path.ts';
import { windows } from './windows.ts';

export const SECTIONS: readonly Section[] = [
  decode,
  match,
  windows,
  wholePath,
  hostilePath,
  memory,
  cores,
  state,
  mappings,
  generators,
  service,
];
