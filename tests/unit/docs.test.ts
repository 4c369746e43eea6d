/** Links between the pages of the documentation lead somewhere, and figures that are repeated are the same. */

import { existsSync, globSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const root = fileURLToPath(new URL('../../', import.meta.url));
const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/*.md', { cwd: root })];

/** The anchors of a page, as GitHub makes them of its headings. */
function anchors(path: string): Set<string> {
  const text = readFileSync(path, 'utf8').replaceAll(/^```[^]*?^```/gm, '');
  return new Set(
    [...text.matchAll(/^#{1,6} (.+)$/gm)].map(([, heading]) =>
      heading!
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
        .replaceAll(' ', '-'),
    ),
  );
}

test.each(pages)('every link of %s to a page or a section leads there', (page) => {
  const text = readFileSync(join(root, page), 'utf8');
  const links = [...text.matchAll(/\]\((?!\w+:)([^)#\s]*)(?:#([^)\s]+))?\)/g)];
  const broken = links.filter(([, file, anchor]) => {
    const target = file === '' ? join(root, page) : join(root, dirname(page), file!);
    return !existsSync(target) || (anchor !== undefined && !anchors(target).has(anchor));
  });
  expect(broken.map(([link]) => link)).toEqual([]);
});

test('docs/operations.md sizes by the figures that the README has measured', () => {
  const readme = readFileSync(join(root, 'README.md'), 'utf8');
  const page = readFileSync(join(root, 'docs/operations.md'), 'utf8');
  const rows = [...page.matchAll(/^\| \w+ \| (.+) \| README, Speed \|$/gm)].map(([, figure]) => figure!);
  const figures = rows.flatMap((row) => row.match(/\d+,\d{3}|\d+ MB/g) ?? []);
  expect(figures.length).toBeGreaterThan(2);
  expect(figures.filter((figure) => !readme.includes(figure))).toEqual([]);
});
