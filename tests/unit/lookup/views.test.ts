/** What it means that an event is listed, and that the indexes answer as looking at every row would. */

import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { FieldValue } from '../../../src/event/record.ts';
import { LookupList } from '../../../src/lookup/list.ts';
import { DATES, numbersIn, ROWS } from '../../../src/lookup/views.ts';
import { contains, parseNetwork, type Network } from '../../../src/sigma/ip.ts';
import { parseList } from '../../../src/lookup/parse-list.ts';

function list(text: string): LookupList {
  const parsed = parseList(text);
  if ('faults' in parsed) throw new Error(JSON.stringify(parsed.faults));
  return new LookupList('list', 'list.csv', parsed.contents);
}

const has = (text: string, ...values: (FieldValue | undefined)[]): boolean =>
  list(text).view(ROWS).value.has(values);

describe('an event is listed', () => {
  test.each<[string, string, (FieldValue | undefined)[], boolean]>([
    ['when its value is the cell’s text', 'a\nx\n', ['x'], true],
    ['with the letter case of the cell only', 'a\nx\n', ['X'], false],
    ['when a number has that text', 'a\n64500\n', [64500], true],
    ['when any element of a list has', 'a\nx\n', [['y', 'x']], true],
    ['never without the field', 'a\nx\n', [undefined], false],
    ['never with null', 'a\nnull\n', [null], false],
    ['when every column fits in one row', 'a,b\nx,y\n', ['x', 'y'], true],
    ['not when the columns fit in different rows', 'a,b\nx,y\nv,w\n', ['x', 'w'], false],
    ['not when values only look alike joined', 'a,b\nx1:,y\n', ['x', '1:y'], false],
    ['when its address is inside a network', 'a\n10.0.0.0/8\n', ['10.1.2.3'], true],
    ['when its mapped address is', 'a\n10.0.0.0/8\n', ['::ffff:10.1.2.3'], true],
    ['when its address is spelled in another way', 'a\n2001:db8::1\n', ['2001:DB8:0:0::1'], true],
    ['in the network of its own organisation', 'o,a\n1,10.0.0.0/8\n2,11.0.0.0/8\n', ['2', '11.0.0.1'], true],
    ['not in the network of another', 'o,a\n1,10.0.0.0/8\n2,11.0.0.0/8\n', ['1', '11.0.0.1'], false],
    ['where cells of a column are text, addresses and networks', 'a\nx\n10.0.0.1\n11.0.0.0/8\n', ['x'], true],
    ['when a text has a slash and is no network', 'a\nrecords/view\n', ['records/view'], true],
  ])('%s', (_, text, values, expected) => {
    expect(has(text, ...values)).toBe(expected);
  });
});

test('thousands of networks hold exactly the addresses that one of them holds', () => {
  const byte = fc.integer({ min: 0, max: 255 });
  const v4 = fc
    .tuple(fc.constantFrom(10, 11, 203), byte, byte, byte, fc.integer({ min: 1, max: 32 }))
    .map(([a, b, c, d, bits]) => masked(`${a}.${b}.${c}.${d}`, bits));
  const v6 = fc
    .tuple(byte, byte, fc.integer({ min: 1, max: 128 }))
    .map(([a, b, bits]) => masked(`2001:db8:${a.toString(16)}::${b.toString(16)}`, bits));
  const near = fc.tuple(fc.constantFrom(10, 11, 203, 204), byte, byte).map(([a, b, c]) => `${a}.${b}.${c}.7`);
  const far = fc.tuple(byte, byte).map(([a, b]) => `2001:db8:${a.toString(16)}::${b.toString(16)}`);
  const mapped = near.map((address) => `::ffff:${address}`);
  fc.assert(
    fc.property(
      fc.array(fc.oneof(v4, v6), { minLength: 1, maxLength: 60 }),
      fc.array(fc.oneof(near, far, mapped), { minLength: 20, maxLength: 20 }),
      (networks, addresses) => {
        const rows = list(`a\n${networks.join('\n')}\n`).view(ROWS).value;
        for (const address of addresses) {
          const expected = networks.some((network) => contains(parseNetwork(network) as Network, address));
          expect(rows.has([address]), address).toBe(expected);
        }
      },
    ),
  );
});

test('a list answers the second time as the first, also after more pairs than it remembers', () => {
  const rows = list('u,a\n7,10.0.0.0/8\n7,x\n8,10.1.0.0/16\n').view(ROWS).value;
  for (let round = 0; round < 2; round += 1) {
    for (let i = 0; i < 80_000; i += 1) {
      const [user, b, c] = [i % 10, (i >>> 3) % 4, i % 251];
      const answer = rows.has([String(user), `10.${b}.${c}.${(i >>> 8) % 256}`]);
      if (answer !== (user === 7 || (user === 8 && b === 1)))
        expect.fail(`round ${round}, ${user} from 10.${b}.${c}.x: ${answer}`);
    }
  }
  expect(rows.has(['7', 'x'])).toBe(true);
  expect(rows.has(['7', 'y'])).toBe(false);
});

/** The network of an address and a prefix, without set bits behind it. */
function masked(address: string, bits: number): string {
  const fault = parseNetwork(`${address}/${bits}`);
  if (typeof fault !== 'string') return `${address}/${bits}`;
  return /write (.*)$/.exec(fault)![1]!;
}

const faultsOf = (text: string, kind: Parameters<LookupList['check']>[0]): string[] =>
  list(text)
    .check(kind)
    .map(({ line, code, message }) => `${line}: ${code}: ${message}`);

describe('a list that a rule cannot use says where', () => {
  test('for networks', () => {
    expect(faultsOf('a,b\n10.0.0.1/8,x\n10.0.0.0/8,11.0.0.0/8\n', ROWS)).toEqual([
      '2: BAD_CIDR: "10.0.0.1/8" in the column a is no network: bits are set behind the prefix; write 10.0.0.0/8',
      '3: TWO_NETWORKS: "11.0.0.0/8" in the column b is the second network of its row; one may be',
    ]);
  });

  test('for numbers', () => {
    expect(faultsOf('u,n\na,many\nb,-1\nc,1\nc,2\n10.0.0.0/8,1\n', numbersIn('n'))).toEqual([
      '2: BAD_NUMBER: "many" in the column n is not a number from 0 on',
      '3: BAD_NUMBER: "-1" in the column n is not a number from 0 on',
      '5: DUPLICATE_ROW: another row has a number for c',
      '6: BAD_CIDR: "10.0.0.0/8" is a network; numbers are found by the exact value of a group',
    ]);
  });

  test('for days', () => {
    expect(faultsOf('date,why\n2025-02-30,x\n14/07/2025,y\n2025-07-14,z\n', DATES)).toEqual([
      '2: BAD_VALUE: "2025-02-30" in the column date is no day; expected YYYY-MM-DD',
      '3: BAD_VALUE: "14/07/2025" in the column date is no day; expected YYYY-MM-DD',
    ]);
  });
});

const contents = (text: string) => list(text).contents;

describe('a list that is replaced', () => {
  test('shows its new rows to all who ask, whatever the order of their columns', () => {
    const of = list('u,n\na,1\n');
    const rows = of.view(ROWS);
    const numbers = of.view(numbersIn('n'));
    expect(of.replace(contents('n,u\n2,b\n'))).toEqual([]);
    expect([rows.value.has(['a', '1']), rows.value.has(['b', '2'])]).toEqual([false, true]);
    expect([...numbers.value.byKey]).toEqual([['b', 2]]);
  });

  test('stays as it was when the new rows do not suit someone who asks, or have other columns', () => {
    const of = list('u,n\na,1\n');
    const rows = of.view(ROWS);
    of.view(numbersIn('n'));
    expect(of.replace(contents('u,n\nb,2\nc,many\n'))).toMatchObject([{ line: 3, code: 'BAD_NUMBER' }]);
    expect(of.replace(contents('u\nb\n'))).toMatchObject([{ code: 'LIST_COLUMNS_CHANGED' }]);
    expect(rows.value.has(['a', '1'])).toBe(true);
    expect(of.contents.rows).toEqual([['a', '1']]);
  });
});
