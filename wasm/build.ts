/**
 * `npm run build:wasm`: compiles `wasm/scanner/` (AssemblyScript) and writes the result, as base64, into
 * `src/event/scanner-binary.ts`. A test compiles it again and compares.
 */

import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));

const OPTIONS = [
  '--runtime',
  'stub',
  '--enable',
  'simd',
  '-O3',
  '--noAssert',
  '--importMemory',
  '--use',
  'abort=',
];

/** The binary of the current source. Throws the compiler's message. */
export function compile(): Buffer {
  const folder = mkdtempSync(join(tmpdir(), 'vigie-wasm-'));
  try {
    const file = join(folder, 'scanner.wasm');
    const compiler = join(root, 'node_modules/assemblyscript/bin/asc.js');
    const { status, stderr } = spawnSync(
      process.execPath,
      [compiler, 'wasm/scanner/scanner.ts', ...OPTIONS, '--outFile', file],
      { cwd: root, encoding: 'utf8' },
    );
    if (status !== 0) throw new Error(`the AssemblyScript compiler failed:\n${stderr}`);
    return readFileSync(file);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The binary as a module, so that nothing has to be read at run time. */
function moduleText(binary: Buffer): string {
  const lines = binary.toString('base64').match(/.{1,100}/g) ?? [];
  return (
    '/** `wasm/scanner/`, compiled and written here by `npm run build:wasm`. Never edited by hand. */\n\n' +
    `export const SCANNER_BINARY: string = [\n${lines.map((line) => `  '${line}',\n`).join('')}].join('');\n`
  );
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  writeFileSync(join(root, 'src/event/scanner-binary.ts'), moduleText(compile()));
}
