/**
 * The vocabulary as JSON Schema, for writers of events who do not use TypeScript. `docs/access-event.schema.json`
 * is its printed form; a test keeps the two equal.
 */

import { z } from 'zod';

import { AccessEvent } from './access-event.ts';

/** Text of `docs/access-event.schema.json`. */
export function accessEventJsonSchema(): string {
  return `${JSON.stringify(z.toJSONSchema(AccessEvent, { io: 'input' }), null, 2)}\n`;
}
