#!/usr/bin/env -S node --max-semi-space-size=16
// Young objects in 16 MiB: V8 would take four times as much memory for them, and be no faster (docs/performance.md).
// Starts the command line: from a checkout the sources as they are, from an installed package what
// `npm pack` compiled, because Node strips no types inside node_modules.
import { existsSync } from 'node:fs';

const [major] = process.versions.node.split('.').map(Number);
if (major < 24) {
  console.error(`vigie needs Node 24 or later; this is ${process.version}`);
  process.exit(1);
}
const compiled = new URL('../dist/src/cli/main.js', import.meta.url);
await import(existsSync(compiled) ? compiled.href : new URL('../src/cli/main.ts', import.meta.url).href);
