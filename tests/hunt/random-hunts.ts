/**
 * Random rules and logs for hunts: values with the letters and signs that SQL, expressions and comments take for their
 * own, in fields with a column and without, late, twice, absent, null, in lists and nested.
 *
 * fast-check prints a failing case as rule file and NDJSON, with its seed.
 */

import * as fc from 'fast-check';
import { stringify } from 'yaml';

export interface HuntCase {
  readonly rules: string;
  /** In the order of arrival, copies among them. */
  readonly log: readonly string[];
  /** Whether a hunt asks from there on, and up to there, ms since the epoch. */
  readonly since: number | undefined;
  readonly until: number | undefined;
}

const START_MS = Date.parse('2025-07-12T21:00:00Z');

const PLAIN = [
  'read',
  'READ',
  'write',
  'a',
  'A',
  'b',
  '',
  ' ',
  '5',
  '0',
  '05',
  '1.0',
  '1e3',
  '-3',
  '.5',
  'K',
  '\u212a',
  's',
  '\u017f',
];
const ODD = [
  'école',
  'ÉCOLE',
  'straße',
  'STRASSE',
  'ΣΑΣ',
  'σας',
  'a*b',
  'a?b',
  'axb',
  'a\\b',
  '\\',
  "o'neil",
  "' OR 1=1 --",
  '/* b */',
  '{x:String}',
  '\u0000',
  'a\nb',
  'b\n',
  '%',
  '_',
  '😀',
  'a😀b',
  '\u2028',
  '\u202e',
  '`',
  '$1',
  '(?i)a',
  '[a]',
  '\u00a05',
  '9'.repeat(70),
  'x'.repeat(300),
  'X'.repeat(300),
  '1e999',
  '-1e999',
  '1e-999',
  'true',
  'NaN',
  'inf',
  '0x1F',
  '9007199254740993',
];

const text = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PLAIN) },
  { weight: 1, arbitrary: fc.constantFrom(...ODD) },
  {
    weight: 1,
    arbitrary: fc.string({ unit: 'grapheme', maxLength: 4 }).filter((each) => each.isWellFormed()),
  },
);
const scalar = fc.oneof(
  { weight: 8, arbitrary: text },
  {
    weight: 2,
    arbitrary: fc.constantFrom<(number | boolean)[]>(5, 0, 1.5, -3, 1e21, 70_000, 2 ** 53, true, false),
  },
);
const value = fc.oneof(
  { weight: 8, arbitrary: scalar },
  { weight: 1, arbitrary: fc.constantFrom<unknown[]>(null, [], {}, { a: 1 }, [null], [['a', 'b'], 'a']) },
  { weight: 2, arbitrary: fc.array(scalar, { maxLength: 3 }) },
);
const count = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom(0, 1, 2, 3, 5, 8, 13) },
  {
    weight: 2,
    arbitrary: fc.constantFrom<unknown[]>(
      '4',
      ' 3 ',
      'many',
      null,
      -2,
      [1, 2],
      [1, 'x', -1],
      [],
      '+7',
      '1e1',
      '1e999',
    ),
  },
);
const account = fc.oneof(
  { weight: 6, arbitrary: fc.constantFrom<unknown[]>('a', 'a', 'a', 'b') },
  {
    weight: 1,
    arbitrary: fc.constantFrom<unknown[]>(
      'A',
      '',
      null,
      5,
      '5',
      ['a', 'b'],
      ['b', 'b'],
      [],
      "o'neil",
      'x'.repeat(300),
      'é',
    ),
  },
);

export const ADDRESSES = [
  '198.51.100.7',
  '198.51.100.8',
  '198.51.101.1',
  '0.0.0.0',
  '255.255.255.255',
  '::ffff:198.51.100.7',
  '::FFFF:c633:6407',
  '::ffff:0:198.51.100.7',
  '2001:db8::1',
  '2001:DB8:0:0::1',
  '2001:db8:1::',
  '2001:db8::1%eth0',
  '2001:db8::1%',
  '::',
  '::1',
  '::198.51.100.7',
  '64:ff9b::198.51.100.7',
  '198.51.100.07',
  '198.51.100',
  '198.51.100.7.1',
  '1198.51.100.7',
  '198.51.100.256',
  ' 198.51.100.7',
  '198.51.100.7\n',
  '198.51.100.7%a',
  '::198.51.100.07',
  '::0198.51.100.7',
  '2001:db8::1::2',
  '2001:db8:0:0:0:0:0:0:1',
  '2001:db8:0:0:0:0:0:1',
  '1:2:3:4:5:6:7::',
  '::2:3:4:5:6:7:8',
  '12345::',
  ':1::2',
  '::1:',
  '2001:db8::1%a\nb',
  '::198.51.100.7:1',
  `2001:db8::1%${'z'.repeat(60)}`,
  'fe80::g',
  '',
];
export const NETWORKS = [
  '198.51.100.0/24',
  '198.51.100.7',
  '0.0.0.0/0',
  '198.51.100.6/31',
  '2001:db8::/32',
  '::/0',
  '::ffff:0:0/96',
  '::ffff:198.51.100.0/120',
  '2001:db8::1',
  '64:ff9b::/96',
];
const HEX = ['0', '1', 'db8', '2001', 'ffff', '00a', 'c633', '198.51.100.7', '', '', ':'];
export const address = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom(...ADDRESSES) },
  {
    weight: 1,
    arbitrary: fc.array(fc.constantFrom(...HEX), { maxLength: 9 }).map((groups) => groups.join(':')),
  },
);

/** With a column of text, of a list, of a number; and without one. */
const TEXT_FIELDS = ['event.action', 'user.roles', 'http.response.status_code', 'custom.note'] as const;

const step = fc.record({
  gap: fc.constantFrom(0, 0, 0, 1, 1, 1, 2, 2, 3, 5, 8, 13),
  jitterMs: fc.constantFrom(0, 0, 0, 0, 1, -1),
  hasId: fc.constantFrom(true, true, true, false),
  copies: fc.constantFrom(0, 0, 0, 0, 1, 2),
  order: fc.integer(),
  event: fc.record(
    {
      'event.action': fc.oneof(
        { weight: 3, arbitrary: fc.constantFrom('read', 'read', 'READ', 'write') },
        { weight: 1, arbitrary: value },
      ),
      'user.id': account,
      'organization.id': fc.constantFrom<unknown[]>('o1', 'o1', 'o2', null, ['o1', 'o2']),
      'user.roles': value,
      'source.ip': fc.oneof(
        { weight: 4, arbitrary: address },
        { weight: 1, arbitrary: fc.array(address, { maxLength: 3 }) },
      ),
      'http.response.status_code': fc.oneof(count, value),
      'custom.note': value,
      'portal.records.ids': fc.constantFrom<unknown[]>(
        'p1',
        'p2',
        'p3',
        7,
        '7',
        null,
        ['p1', 'p2'],
        ['p5', 'p5'],
        [],
      ),
      'portal.records.count': count,
      'custom.size': count,
    },
    { requiredKeys: [] },
  ),
});

/** Of a value in a rule: as it is, or with wildcards in it. */
const wanted = fc
  .tuple(
    text,
    fc.constantFrom('', '', '', '*', '?', '\\*', '\\\\*'),
    fc.constantFrom('', '', '', '*', '?', '\\?'),
  )
  .map(([middle, before, after]) => `${before}${middle}${after}`);

const textItem = fc
  .record({
    field: fc.constantFrom(...TEXT_FIELDS, 'user.id'),
    modifier: fc.constantFrom(
      '',
      '',
      '',
      '|contains',
      '|startswith',
      '|endswith',
      '|cased',
      '|contains|cased',
      '|neq',
      '|windash',
    ),
    values: fc.oneof(
      wanted.map((one) => [one]),
      fc.array(wanted, { minLength: 2, maxLength: 5 }),
      fc.constantFrom<(string | number | boolean)[][]>([5], [0], [true], [1.5], ['*'], ['?*'], [0, 'a']),
    ),
  })
  .map(({ field, modifier, values }) => ({
    [`${field}${modifier}`]: values.length === 1 ? values[0] : values,
  }));
const otherItem = fc.oneof(
  fc.constantFrom(...NETWORKS).map((network) => ({ 'source.ip|cidr': network })),
  fc
    .tuple(fc.constantFrom(...TEXT_FIELDS, 'portal.records.ids', 'custom.size'), fc.boolean())
    .map(([field, there]) => ({ [`${field}|exists`]: there })),
  fc
    .tuple(
      fc.constantFrom('http.response.status_code', 'portal.records.count', 'custom.size', 'custom.note'),
      fc.constantFrom('gt', 'gte', 'lt', 'lte'),
      fc.constantFrom(0, 1, 1.5, 3, -1, 1e3, 1e300),
    )
    .map(([field, op, bound]) => ({ [`${field}|${op}`]: bound })),
  fc
    .tuple(
      fc.constantFrom('user.id', 'event.action'),
      fc.constantFrom('', '|startswith', '|endswith', '|contains'),
      fc.constantFrom('', '|cased'),
      fc.constantFrom('custom.note', 'user.roles'),
    )
    .map(([field, how, cased, other]) => ({ [`${field}|fieldref${how}${cased}`]: other })),
);
const selection = fc
  .array(fc.oneof({ weight: 2, arbitrary: textItem }, { weight: 1, arbitrary: otherItem }), {
    minLength: 1,
    maxLength: 2,
  })
  .map((items) => Object.assign({}, ...items) as Record<string, unknown>);

const baseRule = fc
  .record({
    one: fc.oneof(
      { weight: 3, arbitrary: fc.constant({ 'event.action': 'read' }) },
      { weight: 1, arbitrary: selection },
    ),
    two: selection,
    condition: fc.constantFrom(
      'one',
      'one',
      'one and not two',
      'one or two',
      'not two',
      'not (one or two)',
      '1 of them',
    ),
    list: fc.constantFrom(undefined, undefined, undefined, 'only_listed', 'unless_listed'),
    lists: fc.constantFrom(['accounts'], ['networks'], ['accounts', 'networks']),
  })
  .map(({ one, two, condition, list, lists }) => ({
    logsource: { category: 'x' },
    detection: { one, two, condition },
    ...(list === undefined ? {} : { [`vigie.${list}`]: lists }),
  }));

const bounds = fc.oneof(
  { weight: 3, arbitrary: fc.integer({ min: 1, max: 5 }).map((gte) => ({ gte })) },
  { weight: 1, arbitrary: fc.integer({ min: 0, max: 4 }).map((gt) => ({ gt })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ gte: 1.5 }, { lte: 2 }, { eq: 2 }, { neq: 1 }, { gte: 2, lt: 4 }, { lt: 3 }),
  },
);

/** Of a group by one field and by two; only on rules with a lower bound that measure something. */
const scale = fc
  .constantFrom('caseloads', 'teams', 'everyone')
  .chain((list) =>
    fc
      .constantFrom(undefined, 0.5, 1, 2)
      .map((factor) => ({ list, column: 'persons', ...(factor && { factor }) })),
  );

/** Of so many seasons beyond the timespan, in seconds, as all of a log is. */
const baseline = fc
  .record({
    bucket: fc.constantFrom(1, 2, 5, 7),
    phases: fc.constantFrom(1, 1, 2, 3),
    seasons: fc.integer({ min: 1, max: 12 }),
    factor: fc.constantFrom(0.5, 1, 2, 3),
    minSamples: fc.integer({ min: 1, max: 4 }),
  })
  .map(({ bucket, phases, seasons, factor, minSamples }) => (timespan: string) => {
    const season = bucket * phases;
    return {
      history: `${season * (Math.ceil(Number.parseInt(timespan, 10) / season) + seasons)}s`,
      bucket: `${bucket}s`,
      ...(phases > 1 && { season: `${season}s` }),
      factor,
      min_samples: Math.min(minSamples, seasons),
    };
  });

const correlation = fc
  .record({
    what: fc.oneof(
      bounds.map((condition) => ({ type: 'event_count', condition })),
      fc
        .tuple(
          fc.constantFrom<(string | string[])[]>(
            'portal.records.ids',
            'custom.note',
            'user.roles',
            ['portal.records.ids', 'organization.id'],
            'user.id',
          ),
          bounds,
        )
        .map(([field, bound]) => ({ type: 'value_count', condition: { field, ...bound } })),
      fc
        .tuple(
          fc.constantFrom('portal.records.count', 'custom.size'),
          bounds,
          fc.integer({ min: 1, max: 12 }),
        )
        .map(([field, bound, more]) => ({
          type: 'value_sum',
          condition: { field, ...bound, ...('gte' in bound ? { gte: bound.gte + more } : {}) },
        })),
      fc
        .constantFrom<({ gte: number } | { gt: number } | undefined)[]>(undefined, { gte: 1 }, { gt: 1 })
        .map((condition) => ({ type: 'temporal', condition })),
      fc
        .constantFrom('base0 and not base1', 'base0 or base1', 'base0 and base1', 'not base0')
        .map((condition) => ({ type: 'temporal', condition })),
    ),
    rules: fc.constantFrom(['base0'], ['base0', 'base1']),
    groupBy: fc.constantFrom(
      undefined,
      ['user.id'],
      ['user.id'],
      ['organization.id'],
      ['user.id', 'organization.id'],
      ['custom.note'],
    ),
    timespan: fc.constantFrom('1s', '2s', '3s', '5s', '8s', '30s'),
    timeout: fc.constantFrom(undefined, undefined, '1s', '2s', '3s', '5s', '40s'),
    missing: fc.constantFrom(undefined, 'skip', 'group'),
    scaleBy: fc.option(scale, { freq: 2, nil: undefined }),
    before: fc.option(baseline, { freq: 2, nil: undefined }),
  })
  .map(({ what: { type, condition }, rules, groupBy, timespan, timeout, missing, scaleBy, before }) => ({
    correlation: {
      type,
      rules: type === 'temporal' ? ['base0', 'base1'] : rules,
      ...(groupBy === undefined ? {} : { 'group-by': groupBy }),
      timespan,
      ...(condition === undefined ? {} : { condition }),
    },
    ...(timeout === undefined ? {} : { 'vigie.resolve_timeout': timeout }),
    ...(missing === undefined ? {} : { 'vigie.missing_fields': missing }),
    ...(scaleBy && isLower(type, condition) && scales(scaleBy.list, groupBy)
      ? { 'vigie.scale_by': scaleBy }
      : {}),
    ...(before && isLower(type, condition) ? { 'vigie.baseline': before(timespan) } : {}),
  }));

function scales(list: string, groupBy: readonly string[] = []): boolean {
  return (
    list === 'everyone' ||
    (groupBy.includes('user.id') && (list === 'caseloads' || groupBy.includes('organization.id')))
  );
}

function isLower(type: string, condition: unknown): boolean {
  const bounds = Object.keys(condition ?? {}).filter((key) => key !== 'field');
  return type !== 'temporal' && bounds.every((key) => key === 'gte' || key === 'gt');
}

export const huntCases: fc.Arbitrary<HuntCase> = fc
  .record({
    bases: fc.tuple(baseRule, baseRule),
    correlations: fc.array(correlation, { minLength: 1, maxLength: 3 }),
    steps: fc.array(step, { minLength: 1, maxLength: 40, size: 'max' }),
    range: fc.constantFrom<Range[]>(
      [undefined, undefined],
      [undefined, undefined],
      [9_000, undefined],
      [undefined, 20_000],
      [7_001, 21_000],
    ),
  })
  .map(({ bases, correlations, steps, range }) =>
    caseOf(
      [
        ...bases.map((base, i) => ({ title: `Base ${i}`, name: `base${i}`, ...base })),
        ...correlations.map((each, i) => ({ title: `Correlation ${i}`, name: `c${i}`, ...each })),
      ],
      steps,
      range,
    ),
  );

/** In ms since the start. */
type Range = readonly [since: number | undefined, until: number | undefined];

/** Of a log of hundreds of plain events, so that groups have a past and rules find each other. */
const plainStep = fc.record({
  gap: fc.constantFrom(0, 0, 1, 1, 1, 2, 3, 5, 13),
  jitterMs: fc.constantFrom(0, 0, 0, 0, 1, -1),
  hasId: fc.constantFrom(true, true, true, false),
  copies: fc.constantFrom(0, 0, 0, 0, 1),
  order: fc.integer(),
  event: fc.record(
    {
      'event.action': fc.constantFrom('read', 'read', 'read', 'write'),
      'user.id': fc.constantFrom<unknown[]>('a', 'a', 'a', 'a', 'b', null, ['a', 'b']),
      'organization.id': fc.constantFrom('o1', 'o2'),
      'portal.records.ids': fc.constantFrom<unknown[]>('p1', 'p2', 'p3', 'p4', ['p1', 'p5'], null),
      'portal.records.count': fc.constantFrom(0, 1, 2, 3, 5, 8, 13, 21, -2),
      'user.target.id': fc.constantFrom('a', 'b'),
    },
    { requiredKeys: ['event.action', 'user.id'] },
  ),
});
/** An event may match the third and another. */
const PLAIN_BASES = [
  { 'event.action': 'read' },
  { 'event.action': 'write' },
  { 'portal.records.count|gte': 3 },
].map((selection, i) => ({
  title: `Base ${i}`,
  name: `base${i}`,
  logsource: { category: 'x' },
  detection: { s: selection, condition: 's' },
}));

function plainCases(correlations: fc.Arbitrary<readonly object[]>): fc.Arbitrary<HuntCase> {
  return fc
    .record({
      correlations,
      steps: fc.array(plainStep, { minLength: 5, maxLength: 150, size: 'max' }),
      range: fc.constantFrom<Range[]>(
        [undefined, undefined],
        [undefined, undefined],
        [60_000, undefined],
        [50_001, 90_000],
      ),
    })
    .map(({ correlations: all, steps, range }) => caseOf([...PLAIN_BASES, ...all], steps, range));
}

/** Rules that compare groups with their past. */
export const baselineCases: fc.Arbitrary<HuntCase> = plainCases(
  fc
    .array(
      fc
        .record({
          what: fc.constantFrom(
            { type: 'event_count', condition: {} },
            { type: 'value_count', condition: { field: 'portal.records.ids' } },
            { type: 'value_sum', condition: { field: 'portal.records.count' } },
          ),
          least: fc.constantFrom({ gte: 1 }, { gte: 2 }, { gt: 2 }),
          groupBy: fc.constantFrom(undefined, ['user.id'], ['user.id'], ['user.id', 'organization.id']),
          timespan: fc.constantFrom('1s', '2s', '3s', '5s'),
          timeout: fc.constantFrom(undefined, '1s', '3s'),
          missing: fc.constantFrom('skip', 'group'),
          before: baseline,
        })
        .map(({ what: { type, condition }, least, groupBy, timespan, timeout, missing, before }) => ({
          correlation: {
            type,
            rules: ['base0'],
            ...(groupBy && { 'group-by': groupBy }),
            timespan,
            condition: { ...condition, ...least },
          },
          'vigie.missing_fields': missing,
          ...(timeout && { 'vigie.resolve_timeout': timeout }),
          'vigie.baseline': before(timespan),
        })),
      { minLength: 1, maxLength: 3 },
    )
    .map((rules) => rules.map((rule, i) => ({ title: `Correlation ${i}`, name: `c${i}`, ...rule }))),
);

/** Of which others count the firings. */
const counted = fc
  .record({
    rule: fc.constantFrom('base0', 'base1', 'base2'),
    what: fc.constantFrom<object[]>(
      { type: 'event_count', condition: { gte: 2 } },
      { type: 'event_count', condition: { lte: 1 } },
      { type: 'value_count', condition: { field: 'portal.records.ids', gte: 2 } },
    ),
    groupBy: fc.constantFrom(
      undefined,
      ['user.id'],
      ['user.id'],
      ['organization.id'],
      ['user.id', 'organization.id'],
    ),
    timespan: fc.constantFrom('1s', '2s', '5s'),
    timeout: fc.constantFrom(undefined, '1s', '2s'),
    missing: fc.constantFrom('skip', 'group'),
  })
  .map(({ rule, what, groupBy, timespan, timeout, missing }) => ({
    correlation: { ...what, rules: [rule], ...(groupBy && { 'group-by': groupBy }), timespan },
    ...(timeout && { 'vigie.resolve_timeout': timeout }),
    'vigie.missing_fields': missing,
  }));

/** In this order, over any of the rules that are there. */
const counting = fc
  .record({
    what: fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom({ type: 'event_count', condition: { gte: 2 } }) },
      {
        weight: 1,
        arbitrary: fc.constantFrom(
          { type: 'value_count', condition: { field: 'organization.id', gte: 2 } },
          { type: 'value_count', condition: { field: ['user.id', 'organization.id'], gte: 2 } },
        ),
      },
      {
        weight: 4,
        arbitrary: fc
          .record({
            type: fc.constantFrom('temporal', 'temporal_ordered', 'temporal_ordered'),
            condition: fc.constantFrom(undefined, undefined, { gte: 2 }, { eq: 2 }, { lt: 2 }, 'names'),
          })
          .map((each) => each),
      },
    ),
    groupBy: fc.constantFrom(undefined, ['user.id'], ['user.id'], ['user.id', 'organization.id']),
    target: fc.constantFrom(undefined, 'base0', 'base1', 'c0'),
    timespan: fc.constantFrom('2s', '5s', '20s'),
    timeout: fc.constantFrom(undefined, '1s', '3s'),
    missing: fc.constantFrom('skip', 'group'),
    before: fc.option(baseline, { freq: 2, nil: undefined }),
  })
  .map((drawn) => (rules: readonly string[]) => {
    const { what, groupBy, target, timespan, timeout, missing, before } = drawn;
    const { type } = what;
    const condition = what.condition === 'names' ? `${rules[0]!} and not ${rules.at(-1)!}` : what.condition;
    const hasAlias =
      groupBy && target && rules.includes(target) && (type.startsWith('temporal') || rules.length === 1);
    return {
      correlation: {
        type,
        rules,
        ...(groupBy && { 'group-by': groupBy }),
        ...(hasAlias && { aliases: { 'user.id': { [target]: 'user.target.id' } } }),
        timespan,
        ...(condition && { condition }),
      },
      ...(timeout && { 'vigie.resolve_timeout': timeout }),
      'vigie.missing_fields': missing,
      ...(before && !type.startsWith('temporal') && { 'vigie.baseline': before(timespan) }),
    };
  });

/** Rules over rules, over those again, and in an order. */
export const chainCases: fc.Arbitrary<HuntCase> = plainCases(
  fc
    .record({
      first: counted,
      second: counted,
      third: counting,
      fourth: counting,
      thirdOver: fc.shuffledSubarray(['base0', 'base1', 'base2', 'c0', 'c1'], { minLength: 1 }),
      fourthOver: fc.shuffledSubarray(['base0', 'base1', 'c0', 'c2'], { minLength: 1 }),
    })
    .map(({ first, second, third, fourth, thirdOver, fourthOver }) =>
      [first, second, third(thirdOver), fourth(fourthOver)].map((rule, i) => ({
        title: `Correlation ${i}`,
        name: `c${i}`,
        ...rule,
      })),
    ),
);

function caseOf(documents: readonly object[], steps: readonly Step[], range: Range): HuntCase {
  const rules = documents.map((document) => stringify(document)).join('---\n');
  const log = arrange(steps);
  const [since, until] = range.map((ms) => (ms === undefined ? undefined : START_MS + ms));
  return {
    rules,
    log,
    since,
    until,
    [fc.toStringMethod]: () => `${rules}\n${log.join('\n')}\nfrom ${since} to ${until}`,
  } as HuntCase;
}

interface Step {
  readonly gap: number;
  readonly jitterMs: number;
  readonly hasId: boolean;
  readonly copies: number;
  readonly order: number;
  readonly event: object;
}

function arrange(steps: readonly Step[]): string[] {
  const arrivals: { order: number; line: string }[] = [];
  let time = START_MS;
  for (const [i, { gap, jitterMs, hasId, copies, order, event }] of steps.entries()) {
    time += gap * 1000;
    const line = JSON.stringify({
      '@timestamp': new Date(time + jitterMs).toISOString(),
      ...(hasId ? { 'event.id': `e${i}` } : {}),
      ...event,
    });
    for (let copy = 0; copy <= (hasId ? copies : 0); copy += 1)
      arrivals.push({ order: order * (copy + 1), line });
  }
  return arrivals.sort((a, b) => a.order - b.order).map(({ line }) => line);
}
