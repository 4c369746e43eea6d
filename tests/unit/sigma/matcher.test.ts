import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { compileMatcher } from '../../../src/sigma/matcher.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { RuleIndex } from '../../../src/sigma/rule-index.ts';
import { bench, load } from './matching.ts';

const rule = (title: string, body: string): string =>
  `title: ${title}\nlogsource: {product: portal}\ndetection:\n${body
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')}\n`;

describe('many rules together', () => {
  const value = fc.constantFrom(
    '1',
    '2',
    'x',
    'X*',
    '"*x*"',
    'null',
    "''",
    'true',
    '[1, x]',
    '[y, x, 2, z, w]',
    '[x*, 2]',
  );
  const key = fc
    .tuple(fc.constantFrom('a', 'b', 'c.d'), fc.constantFrom('', '', '', '|neq', '|contains', '|cased'))
    .map(([field, modifier]) => field + modifier);
  const valid = fc
    .tuple(key, value)
    .filter(([name, given]) => given !== 'null' || !/contains|cased/.test(name));
  const selection = fc
    .uniqueArray(valid, { minLength: 1, maxLength: 3, selector: ([name]) => name })
    .map((items) => `{${items.map(([name, given]) => `${name}: ${given}`).join(', ')}}`);
  const condition = fc.constantFrom(
    's and t',
    's or t',
    'not s',
    's and not t',
    '1 of them',
    'all of them',
    'not (s or t)',
    '(s and t) or u',
    's or (t and u)',
  );
  const body = fc
    .tuple(selection, selection, selection, condition)
    .map(([s, t, u, text]) => `s: ${s}\nt: ${t}\nu: [${u}, ${s}]\ncondition: ${text}`);
  const scalar = fc.constantFrom<unknown>(
    1,
    2,
    '1',
    'x',
    'X',
    'xy',
    '',
    null,
    true,
    'true',
    'y',
    'w',
    undefined,
  );
  const fieldValue = fc.oneof(
    { weight: 4, arbitrary: scalar },
    { weight: 1, arbitrary: fc.array(scalar, { maxLength: 3 }) },
  );
  const event = fc.record({ a: fieldValue, b: fieldValue, c: fc.record({ d: fieldValue }) });

  test('give the same answers as each rule alone: the index loses nothing and shared predicates do not mix', () => {
    fc.assert(
      fc.property(
        fc.array(body, { minLength: 1, maxLength: 8 }),
        fc.array(event, { minLength: 1, maxLength: 6 }),
        (bodies, events) => {
          const texts = bodies.map((each, i) => rule(`R${i}`, each));
          const together = bench(load(texts.join('---\n')));
          const alone = texts.map((text) => bench(load(text)));
          for (const each of events) {
            expect(together.matches(each)).toEqual(alone.flatMap((single) => single.matches(each)));
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});

describe('rules that look for parts of texts', () => {
  const part = fc.constantFrom(
    '.exe',
    'cmd',
    ' /c ',
    'ser',
    'ab',
    'É',
    'Straße',
    '\\tool',
    '*a?c*d*',
    'K',
    '4625',
    'true',
  );
  const field = fc.constantFrom('Image', 'Line', 'a.b');
  const modifier = fc.constantFrom(
    '|contains',
    '|contains',
    '|endswith',
    '|startswith',
    '|contains|cased',
    '|contains|all',
    '|contains|windash',
    '',
  );
  const item = fc
    .tuple(field, modifier, fc.uniqueArray(part, { minLength: 1, maxLength: 3 }))
    .map(([path, how, parts]) => {
      const values = parts.map((each) => `'${each}'`).join(', ');
      return [path + (parts.length === 1 ? how.replace('|all', '') : how), `[${values}]`] as const;
    });
  const other = fc.constantFrom(
    ['Image|exists', 'true'],
    ['Line|exists', 'false'],
    ['Line', 'null'],
    ['Line|re', "'c.d'"],
    ['Line|contains|neq', 'cmd'],
    ['a.b|gte', '7'],
    ['Line|fieldref|contains', 'a.b'],
  );
  const map = fc
    .uniqueArray(fc.oneof({ weight: 5, arbitrary: item }, { weight: 1, arbitrary: other }), {
      minLength: 1,
      maxLength: 3,
      selector: ([name]) => name,
    })
    .map((items) => `{${items.map(([name, given]) => `${name}: ${given}`).join(', ')}}`);
  const selection = fc.oneof(
    map,
    fc.array(map, { minLength: 2, maxLength: 3 }).map((maps) => `[${maps.join(', ')}]`),
  );
  const condition = fc.constantFrom('s', 's', 's and t', 's or t', 's and not t', 'not s', '1 of them');
  const body = fc
    .tuple(selection, selection, condition)
    .map(([s, t, text]) => `s: ${s}\nt: ${t}\ncondition: ${text}`);
  const text = fc
    .array(
      fc.constantFrom(
        '.EXE',
        'cmd',
        'CMD',
        ' /c ',
        ' -c ',
        'Ser',
        'aB',
        'é',
        'STRASSE',
        'straße',
        '\\Tool',
        'abcd',
        'k',
        '\u212a',
      ),
      {
        maxLength: 4,
      },
    )
    .map((parts) => parts.join(''));
  const value = fc.oneof(
    { weight: 6, arbitrary: text },
    { weight: 1, arbitrary: fc.array(text, { maxLength: 3 }) },
    { weight: 2, arbitrary: fc.constantFrom<unknown>(null, undefined, 4625, 54625.5, true, {}, []) },
  );
  const event = fc.record({ Image: value, Line: value, a: fc.record({ b: value }) });

  test('give the same answers as each alone: searching all literals at once passes none over', () => {
    let matches = 0;
    fc.assert(
      fc.property(
        fc.array(body, { minLength: 6, maxLength: 14 }),
        fc.array(event, { minLength: 1, maxLength: 6 }),
        (bodies, events) => {
          const texts = bodies.map((each, i) => rule(`R${i}`, each));
          const together = bench(load(texts.join('---\n')));
          const alone = texts.map((each) => bench(load(each)));
          for (const each of events) {
            const found = together.matches(each);
            matches += found.length;
            expect(found).toEqual(alone.flatMap((single) => single.matches(each)));
          }
        },
      ),
      { numRuns: 150 },
    );
    expect(matches).toBeGreaterThan(500);
  });

  test('are evaluated only for events that hold their most telling part', () => {
    const fields = new FieldTable();
    const texts = Array.from({ length: 50 }, (_, i) =>
      rule(`R${i}`, `s: {Image|endswith: '\\tool${i}.exe', Line|contains: ' -x '}\ncondition: s`),
    );
    const index = new RuleIndex(load(texts.join('---\n')).rules, fields);
    const record = fields.newRecord();
    const found = (Image: string, Line: string): number => {
      record.slots[fields.find('Image')!] = Image;
      const line = fields.find('Line');
      if (line !== undefined) record.slots[line] = Line;
      return index.find(record);
    };
    expect(found('C:\\tool7.exe', 'a -x b')).toBe(1);
    expect(found('C:\\other.exe', 'a -x b')).toBe(0);
  });
});

test('a long list of values gives the same answers as one selection for each', () => {
  const values = ['a', 'B', '3', 'é', "''", 'true'];
  const list = bench(load(rule('R', `s: {f: [${values.join(', ')}]}\ncondition: s`)));
  const single = bench(
    load(rule('R', `${values.map((value, i) => `s${i}: {f: ${value}}`).join('\n')}\ncondition: 1 of s*`)),
  );
  for (const f of ['A', 'b', 3, '3', 'É', '', true, 'x', 4, null, undefined, ['q', 'b']]) {
    expect(list.matches({ f })).toEqual(single.matches({ f }));
  }
});

test('matched holds ascending indexes, also when rules are found through several fields and lists', () => {
  const set = load(
    ['s: {a: x}', 's: {b: y}', 's: {c|contains: z}', 's: {a: [w, x]}', 's: {b: x}']
      .map((body, i) => rule(`R${i}`, `${body}\ncondition: s`))
      .join('---\n'),
  );
  const { matcher, decode } = bench(set);
  const count = matcher.match(decode({ a: ['w', 'x', 'x'], b: ['y', 'q'], c: 'zz' }));
  expect([...matcher.matched.subarray(0, count)]).toEqual([0, 1, 2, 3]);
});

test('an event is decided by itself, not by the one before', () => {
  const { matches } = bench(
    load(
      `${rule('A', 's: {a|contains: x}\ncondition: s')}---\n${rule('B', 's: {a|contains: x}\nt: {b: 1}\ncondition: s and t')}`,
    ),
  );
  expect(matches({ a: 'x', b: 1 })).toEqual(['A', 'B']);
  expect(matches({ a: 'y', b: 1 })).toEqual([]);
  expect(matches({ a: 'x' })).toEqual(['A']);
});

function wants(body: string): boolean {
  const fields = new FieldTable();
  compileMatcher(load(rule('R', body)).rules, fields);
  return fields.wantsWhole;
}

test('keywords ask for the whole event, nothing else does', () => {
  expect(wants('s: [word]\ncondition: s')).toBe(true);
  expect(wants('s: {a: word}\ncondition: s')).toBe(false);
});

test('no rules match nothing', () => {
  expect(bench(load('')).matches({ a: 1 })).toEqual([]);
});
