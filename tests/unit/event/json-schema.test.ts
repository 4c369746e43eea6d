import { fileURLToPath } from 'node:url';

import { expect, it } from 'vitest';

import { accessEventJsonSchema } from '../../../src/event/json-schema.ts';

const file = fileURLToPath(new URL('../../../docs/access-event.schema.json', import.meta.url));

it('docs/access-event.schema.json is the schema of the code', async () => {
  const regenerate = 'to regenerate it: npx vitest run tests/unit/event/json-schema.test.ts -u';
  await expect(accessEventJsonSchema(), regenerate).toMatchFileSnapshot(file);
});
