/** What `npm ci` needs on every platform stands in the lock file, and nothing of the machine that wrote it. */

import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';

interface LockEntry {
  readonly version?: string;
  readonly resolved?: string;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

const lock = JSON.parse(readFileSync('package-lock.json', 'utf8')) as {
  readonly packages: Readonly<Record<string, LockEntry>>;
};

test('every optional dependency of every package has an entry of the wanted version', () => {
  const missing = Object.entries(lock.packages).flatMap(([path, { optionalDependencies = {} }]) =>
    Object.keys(optionalDependencies)
      .filter((name) => {
        // As Node resolves: beside the package, or in any folder above.
        const folders = path
          .split('node_modules/')
          .map((_, i, parts) => parts.slice(0, parts.length - i).join('node_modules/'));
        return !folders.some((folder) => {
          const prefix = folder === '' || folder.endsWith('/') ? folder : `${folder}/`;
          return lock.packages[`${prefix}node_modules/${name}`] !== undefined;
        });
      })
      .map((name) => `${path} → ${name}`),
  );
  expect(missing).toEqual([]);
});

test('no entry records where it was downloaded from', () => {
  const recorded = Object.entries(lock.packages).filter(
    ([, { resolved }]) => resolved?.startsWith('http') === true,
  );
  expect(recorded).toEqual([]);
});
