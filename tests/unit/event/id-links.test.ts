import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { IdLinker, IdLinks, MAX_LINK_STEPS, NO_LINK } from '../../../src/event/id-links.ts';
import { SipHash } from '../../../src/event/siphash.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, i) => 11 * i);
const linker = new IdLinker(KEY);

/** Links of one id: its own, then −1, +1, −2, +2, …; nothing for an id without a number. */
function linksOf(id: string, steps = 1): number[] {
  const links = new IdLinks(steps);
  linker.addText(id, links);
  return [...links.values.subarray(0, links.length * links.stride)];
}

const own = (id: string): number => linksOf(id)[0]!;

/** Whether `above` is what `below` says comes one above it, and the other way round. */
const follow = (below: string, above: string): boolean => {
  const up = linksOf(below)[2] === own(above);
  expect(linksOf(above)[1] === own(below)).toBe(up);
  return up;
};

describe('ids that follow each other', () => {
  test.each([
    ['p-00340127', 'p-00340128'],
    ['0012345678A', '0012345679K'],
    ['9', '10'],
    ['09', '10'],
    ['p-99', 'p-100'],
    ['p-0099', 'p-0100'],
    ['0', '1'],
    ['/dossier/7/view', '/dossier/8/edit'],
    ['d2-p7', 'd2-p8'],
    ['é-7', 'é-8'],
    ['\ud800-7', '\ufffd-8'],
    ['99999999999999999999', '100000000000000000000'],
  ])('%s and %s', (below, above) => {
    expect(follow(below, above)).toBe(true);
  });
});

describe('ids that do not', () => {
  test.each([
    ['p-7', 'p-9'],
    ['p-7', 'p-7'],
    ['p-7', 'q-8'],
    ['p-7', 'P-8'],
    ['1-7', '2-8'],
    ['p-7', '8'],
    ['p-19', 'p-110'],
    ['p-1', 'p--2'],
  ])('%s and %s', (one, other) => {
    expect(follow(one, other)).toBe(false);
  });
});

test('every neighbour up to the steps has the link that its own id has', () => {
  fc.assert(
    fc.property(
      fc.string({ maxLength: 8 }).map((text) => text.replaceAll(/\d/g, '')),
      fc.bigInt({ min: 0n, max: 10n ** 30n }),
      fc.integer({ min: 1, max: MAX_LINK_STEPS }),
      fc.nat({ max: 5 }),
      fc.constantFrom('', 'A', ' x'),
      (prefix, number, steps, zeros, suffix) => {
        const [self, ...neighbours] = linksOf(`${prefix}${'0'.repeat(zeros)}${number}${suffix}`, steps);
        expect(self).toBe(own(`${prefix}${number}`));
        for (let k = 1; k <= steps; k += 1) {
          const below = number - BigInt(k);
          expect(neighbours[2 * k - 2]).toBe(below < 0n ? NO_LINK : own(`${prefix}${below}`));
          expect(neighbours[2 * k - 1]).toBe(own(`${prefix}${number + BigInt(k)}`));
        }
      },
    ),
  );
});

test('a text has the same links as its bytes, wherever they stand', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 300 }), fc.nat({ max: 9 }), (text, digit) => {
      const id = `${text}${digit}`;
      const bytes = Buffer.from(`12${id}34`);
      const links = new IdLinks(2);
      linker.addBytes(bytes, 2, bytes.length - 2, links);
      expect([...links.values.subarray(0, links.length * links.stride)]).toEqual(linksOf(id, 2));
    }),
  );
});

test('a text without a digit, or that is too long, has no links', () => {
  for (const id of ['', 'abc', '٣', `${'x'.repeat(256)}7`, `${'é'.repeat(128)}7`]) {
    expect(linksOf(id)).toEqual([]);
  }
  expect(linksOf(`${'x'.repeat(255)}7`)).toHaveLength(3);
});

test('a link is not the pseudonym of the id, and another key gives another link', () => {
  const hash = new SipHash(KEY);
  for (const id of ['7', 'p-340127', '12345678']) {
    hash.hashString(id);
    expect(own(id) % 2 ** 32).not.toBe(hash.out[1]);
    const links = new IdLinks(1);
    new IdLinker(new Uint8Array(16)).addText(id, links);
    expect(links.values[0]).not.toBe(own(id));
  }
});
