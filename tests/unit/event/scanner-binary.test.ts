import { expect, it } from 'vitest';

import { SCANNER_BINARY } from '../../../src/event/scanner-binary.ts';
import { compile } from '../../../wasm/build.ts';

it('ships the scanner that its source compiles to', { timeout: 120_000 }, () => {
  const compiled = compile().toString('base64');
  expect(SCANNER_BINARY === compiled, 'run `npm run build:wasm` and commit the result').toBe(true);
});
