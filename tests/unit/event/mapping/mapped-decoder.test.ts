import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KNOWN_FIELDS } from '../../../../src/event/access-event.ts';
import { createDecoder } from '../../../../src/event/create-decoder.ts';
import type { DecoderOptions } from '../../../../src/event/decoder-options.ts';
import { parseMapping } from '../../../../src/event/mapping/parse-mapping.ts';
import { Pseudonyms } from '../../../../src/event/pseudonyms.ts';
import { FieldTable } from '../../../../src/event/record.ts';
import { decoderOf, described, KEY, mappingOf } from './support.ts';

const TIME = '2025-07-12T21:04:11.120Z';
const HEAD = 'input: json\ntime: { field: t }\n';

/** The event that a mapping makes of one JSON object. */
function eventOf(mapping: string, line: object): unknown {
  const { decoder, record } = decoderOf(mappingOf(`${HEAD}${mapping}`));
  const data = Buffer.from(JSON.stringify({ t: TIME, ...line }));
  const fault = decoder.decode(data, 0, data.length, record);
  expect(fault).toBe(undefined);
  const { '@timestamp': time, ...event } = record.whole as Record<string, unknown>;
  expect(time).toBe(TIME);
  return event;
}

/** What one `copy` makes of the value of a field. */
const copied = (spec: string, value: unknown) =>
  (eventOf(`other_fields: [v]\ncopy: {v: {from: f, ${spec}}}`, { f: value }) as { v?: unknown }).v;

const fits = (when: string, line: object): boolean => {
  const { decoder, record } = decoderOf(mappingOf(`${HEAD}cases: [{name: a, when: {f: ${when}}}]`));
  const data = Buffer.from(JSON.stringify({ t: TIME, ...line }));
  return decoder.decode(data, 0, data.length, record) === undefined;
};

const nested = (depth: number) => `{"a":${'['.repeat(depth)}"p"${']'.repeat(depth)}}`;

const outcome = (mapping: string) =>
  described(mappingOf(`${HEAD}${mapping}`), [`{"t":"${TIME}"}`]).split('\n')[0];

const idOf = (line: object): unknown =>
  (eventOf('id: {from: [a, b]}', line) as { event?: { id?: string } }).event?.id;

describe('what a line gives to the event', () => {
  test('is constants and copies, nested or dotted alike, the case before what holds for all', () => {
    const mapping = `set: {event.outcome: success, event.action: login}
copy: {user.id: a.b}
cases: [{name: x, when: {k: 1}, set: {event.outcome: failure}, copy: {event.action: act}}, {name: y}]`;
    expect(eventOf(mapping, { k: 1, a: { b: 'u' }, act: 'logout' })).toEqual({
      event: { outcome: 'failure', action: 'logout' },
      user: { id: 'u' },
    });
    expect(eventOf(mapping, { k: 2, 'a.b': 'u' })).toEqual({
      event: { outcome: 'success', action: 'login' },
      user: { id: 'u' },
    });
  });

  test('has fields named like an object’s own machinery as any other', () => {
    const mapping = `other_fields: [constructor.foo, toString.x, site.valueOf.y, hasOwnProperty]
set: {constructor.foo: made}
copy: {toString.x: toString, site.valueOf.y: a.constructor, hasOwnProperty: b}`;
    expect(eventOf(mapping, { toString: 't', a: { constructor: 'c' }, b: 'h' })).toEqual({
      constructor: { foo: 'made' },
      toString: { x: 't' },
      site: { valueOf: { y: 'c' } },
      hasOwnProperty: 'h',
    });
    expect(Object.hasOwn(Object, 'foo')).toBe(false);
  });

  test('is the first source that is there; null counts as absent', () => {
    expect(eventOf('copy: {user.id: [a, b]}', { a: null, b: 'x' })).toEqual({ user: { id: 'x' } });
    expect(eventOf('copy: {user.id: [a, b]}', {})).toEqual({});
  });

  test('goes through json, capture, split, lower_case, count, map, multiply and format in this order', () => {
    expect(copied('json: a.b', '{"a":[{"b":1},{"b":2}]}')).toEqual([1, 2]);
    expect(copied('json: a', 'no json')).toBe(undefined);
    expect(copied("capture: '^/d/([^/]+)'", '/d/12/x')).toBe('12');
    expect(copied("capture: '^/d/([^/]+)'", '/e/12')).toBe(undefined);
    expect(copied("split: ','", ' a, b,,c ')).toEqual(['a', 'b', 'c']);
    expect(copied("split: ',', lower_case: true", 'B,Élan')).toEqual(['b', 'élan']);
    expect(copied('lower_case: true, map: {a: found}', 'A')).toBe('found');
    expect(copied("split: ',', count: true", 'a,b')).toBe(2);
    expect(copied('count: true', [{}, {}, {}])).toBe(3);
    expect(copied('map: {1: one, true: yes}', [1, true, 'rest'])).toEqual(['one', 'yes', 'rest']);
    expect(copied('map: {a: b}, default: other', 'x')).toBe('other');
    expect(copied('map: {a: b}, default: other', undefined)).toBe('other');
    expect(copied('map: {a: null}', 'a')).toBe(undefined);
    expect(copied('multiply: 1024', '3')).toBe(3072);
    expect(copied('format: epoch_s', 1_752_354_251)).toBe('2025-07-12T21:04:11.000Z');
    expect(copied('format: epoch_s', 'soon')).toBe('soon');
    expect(copied("json: a, capture: '(.)$', map: {z: last}", '{"a":"xyz"}')).toBe('last');
  });

  test('is made of each element of a list, by every step', () => {
    expect(copied('json: a', ['{"a":1}', 'no json', '{"a":[2,3]}', { a: 4 }])).toEqual([1, 2, 3, 4]);
    expect(copied('map: {a: b}, default: other', ['a', 'x'])).toEqual(['b', 'other']);
    expect(copied('map: {a: null}, default: other', ['a', 'x'])).toEqual(['other']);
    expect(copied("capture: '(.)$', map: {z: last}, default: other", ['xz', 'xy'])).toEqual([
      'last',
      'other',
    ]);
  });

  test('leaves the default as it is, whether the map does not name the value or there is none', () => {
    expect(copied('map: {a: 1}, default: 5, multiply: 10', ['a', 'x', 7])).toEqual([10, 5, 5]);
    expect(copied('map: {a: 1}, default: 5, multiply: 10', 'x')).toBe(5);
    expect(copied('map: {a: 1}, default: 5, multiply: 10', [])).toBe(5);
    expect(copied('map: {a: 1}, default: null', ['a', 'x'])).toEqual([1]);
  });

  test('is the default when nothing is left of a list', () => {
    expect(copied("split: ',', default: none", ' , ')).toBe('none');
    expect(copied("capture: '([0-9])', default: none", ['a', 'b'])).toBe('none');
    expect(copied("capture: '([0-9])', default: none", ['a', '1'])).toEqual(['1']);
    expect(copied('default: none', [])).toBe('none');
  });

  test('of JSON that stands as text has all digits of a long integer, or two persons would be one', () => {
    expect(copied('json: a', '{"a":[9007199254740993,9007199254740992,12]}')).toEqual([
      '9007199254740993',
      '9007199254740992',
      12,
    ]);
  });

  test('of JSON that stands as text and is nested without end is nothing, so no line stops the detector', () => {
    expect(copied('json: a, lower_case: true', nested(100_000))).toBe(undefined);
    expect(copied('json: a, lower_case: true', nested(512))).toBe(undefined);
    expect(copied('json: a, count: true', nested(511))).toBe(1);
  });

  test('is not a text that means nothing, wherever in the line it stands', () => {
    const line = { ids: ['-', 'a', ['-']], rows: [{ id: '-' }, { id: 'b' }] };
    const mapping = "absent: ['-']\ncopy: {user.roles: ids, portal.auth.amr: rows.id}";
    expect(eventOf(mapping, line)).toEqual({
      user: { roles: ['a', []] },
      portal: { auth: { amr: ['b'] } },
    });
  });

  test('is a number where the vocabulary has one', () => {
    expect(eventOf('copy: {http.response.status_code: s, user.id: u}', { s: '200', u: '200' })).toEqual({
      http: { response: { status_code: 200 } },
      user: { id: '200' },
    });
  });
});

describe('a condition', () => {
  test.each<[string, unknown[], unknown[]]>([
    ['a', ['a', ['b', 'a']], ['A', undefined, null, { a: 1 }, 'ab']],
    ['1', [1, '1'], [2, true]],
    ['true', [true, 'true'], [false, 1]],
    ['[a, b]', ['a', 'b'], ['c', undefined]],
    ['null', [undefined, null], ['', 0, false]],
    ['[a, null]', ['a', undefined], ['b']],
    ["{re: '^a.c$'}", ['abc', ['x', 'abc']], ['abcd', undefined]],
    ['{not: a}', ['b', undefined], ['a']],
    ['{not: null}', ['', 0], [undefined, null]],
    ['{not: {re: x}}', ['a', undefined], ['axb']],
  ])('%s holds for these and not for those', (when, these, those) => {
    for (const f of these) expect(fits(when, { f }), JSON.stringify(f)).toBe(true);
    for (const f of those) expect(fits(when, { f }), JSON.stringify(f)).toBe(false);
  });
});

describe('lines that fit no case', () => {
  test('are skipped when there are cases, kept when there are none, or as else says', () => {
    expect(outcome('')).toBe('1 kept');
    expect(outcome('cases: [{name: a, when: {x: 1}}]')).toBe('1 skipped: no case');
    expect(outcome('cases: [{name: a, when: {x: 1}}]\nelse: keep')).toBe('1 kept');
    expect(outcome('else: skip')).toBe('1 skipped: no case');
    expect(outcome('cases: [{name: all, skip: true}]')).toBe('1 skipped: all');
  });

  test('need no time', () => {
    const mapping = mappingOf(`${HEAD}cases: [{name: a, when: {x: 1}}]`);
    expect(described(mapping, ['{}', '{"x":1}'])).toBe(
      '1 skipped: no case\n2 NO_TIME: t is missing or null\n',
    );
  });
});

describe('the id of events', () => {
  test('can be made of fields: equal for equal values, another for others, none for none', () => {
    expect(idOf({ a: 'x', b: 1 })).toMatch(/^[0-9a-f]{16}$/);
    expect(idOf({ a: 'x', b: 1 })).toBe(idOf({ b: 1, a: 'x', c: 3 }));
    expect(new Set([{ a: 'x' }, { b: 'x' }, { a: 'x', b: '' }, { a: 'xy' }].map(idOf)).size).toBe(4);
    expect(idOf({})).toBe(undefined);
  });
});

describe('W3C logs', () => {
  const free = mappingOf('input: w3c\ntime: {field: [date, time]}\ncopy: {source.ip: c-ip}');
  const fixed = mappingOf(
    'input: w3c\nfields: date time c-ip\ntime: {field: [date, time]}\ncopy: {source.ip: c-ip}',
  );

  test('take their columns from the last #Fields line', () => {
    const lines = [
      '#Fields: date time c-ip',
      '2025-07-12 21:00:00 192.0.2.1',
      '#Fields: c-ip\ttime\tdate',
      '192.0.2.2\t21:00:01\t2025-07-12',
    ];
    expect(described(free, lines)).toBe(`1 skipped: directive
2 kept
    @timestamp = "2025-07-12T21:00:00.000Z"
    source.ip = "192.0.2.1"
3 skipped: directive
4 kept
    @timestamp = "2025-07-12T21:00:01.000Z"
    source.ip = "192.0.2.2"
`);
  });

  test.each([
    ['a no-break space as the last value', '2025-07-12 21:00:00 192.0.2.1 \u00a0'],
    ['one at its end', '2025-07-12 21:00:00 192.0.2.1 a\u00a0'],
    ['one without quotes beside a value in quotes', '"2025-07-12" 21:00:00 192.0.2.1 a\u00a0b"c'],
    ['spaces and a carriage return behind it', '2025-07-12 21:00:00 192.0.2.1 a  \r'],
  ])('have as many values as columns, whatever spaces a client sends: %s', (_, line) => {
    expect(described(free, ['#Fields: date time c-ip cs(User-Agent)', line])).toContain(
      '2 kept\n    @timestamp = "2025-07-12T21:00:00.000Z"\n    source.ip = "192.0.2.1"\n',
    );
  });

  test('refuse lines before any #Fields line, rather than guess', () => {
    expect(described(free, ['2025-07-12 21:00:00 192.0.2.1'])).toContain('1 NOT_IN_FORMAT: no #Fields line');
  });

  test('whose #Fields line names a column twice are refused until the next such line: either value may be the right one', () => {
    const lines = [
      '#Fields: date time c-ip',
      '#Fields: date time c-ip cs(Host) c-ip',
      '2025-07-12 21:00:00 192.0.2.1 portal 192.0.2.2',
      '#Fields: date time c-ip',
      '2025-07-12 21:00:01 192.0.2.1',
    ];
    expect(described(free, lines)).toBe(`1 skipped: directive
2 NOT_IN_FORMAT: the #Fields line gives columns 3 and 5 one name
3 NOT_IN_FORMAT: the #Fields line before gives columns 3 and 5 one name; name the columns in the mapping, as fields
4 skipped: directive
5 kept
    @timestamp = "2025-07-12T21:00:01.000Z"
    source.ip = "192.0.2.1"
`);
  });

  test('with columns fixed in the mapping need no #Fields line and refuse another one', () => {
    const lines = ['2025-07-12 21:00:00 192.0.2.1', '#Fields: date time c-ip', '#Fields: time date c-ip'];
    expect(described(fixed, lines)).toBe(`1 kept
    @timestamp = "2025-07-12T21:00:00.000Z"
    source.ip = "192.0.2.1"
2 skipped: directive
3 NOT_IN_FORMAT: the #Fields line names other fields than the mapping
`);
  });
});

describe('lines whose last columns are empty', () => {
  const rest = 'time: {field: t}\ncopy: {user.id: u, source.ip: a}';
  const lines = [`${TIME}\t\t`, `${TIME}\tu\t\r`, `${TIME}\t\t192.0.2.1  \r\n`];
  const events = `1 kept
    @timestamp = "${TIME}"
2 kept
    @timestamp = "${TIME}"
    user.id = "u"
3 kept
    @timestamp = "${TIME}"
    source.ip = "192.0.2.1"
`;

  test('fit a pattern that takes them so', () => {
    const pattern = String.raw`(?P<t>[^\t]*)\t(?P<u>[^\t]*)\t(?P<a>[^\t ]*)`;
    expect(described(mappingOf(`input: regex\npattern: '${pattern}'\n${rest}`), lines)).toBe(events);
  });

  test('have as many values as any other', () => {
    expect(described(mappingOf(`input: w3c\nfields: t u a\n${rest}`), lines)).toBe(events);
  });
});

describe('bytes that are no line of the log', () => {
  test('get the codes of any other input', () => {
    const json = mappingOf(HEAD);
    expect(described(json, ['{"t":', '[]', '{"t":"x"}'])).toBe(`1 NOT_JSON: the JSON ends early, after 5 bytes
2 NOT_AN_OBJECT: the event is a list, not an object
3 BAD_TIME: t is no time: "x"
`);
    for (const input of ['w3c', 'regex\npattern: (?P<t>[a-z]*)']) {
      const { decoder, record } = decoderOf(mappingOf(`input: ${input}\ntime: {field: t}`));
      expect(decoder.decode(Uint8Array.of(0xff), 0, 1, record)).toMatchObject({ code: 'NOT_UTF8' });
      const large = Buffer.alloc(2 ** 20 + 1, 'a');
      expect(decoder.decode(large, 0, large.length, record)).toMatchObject({ code: 'TOO_LARGE' });
    }
  });

  test('are told to be no time in the format that the mapping names', () => {
    const seconds = mappingOf('input: json\ntime: {field: t, format: epoch_s}');
    expect(described(seconds, ['{"t":1752354251120}'])).toBe(
      '1 BAD_TIME: t is no time: 1752354251120; the mapping reads it as epoch_s\n',
    );
  });

  test('are read with U+FFFD for what is no UTF-8, and counted, where the line can be read so', () => {
    const agent = Buffer.from(`{"t":"${TIME}","a":"caf\xe9 \xf0\x9f\x98"}`, 'latin1');
    const outside = Buffer.from(`{"t":"${TIME}",\xe9}`, 'latin1');
    const skipped = Buffer.from('{"a":"skip\xff"}', 'latin1');
    const { decoder, record } = decoderOf(
      mappingOf(
        `${HEAD}copy: {user_agent.original: a}\ncases: [{name: out, when: {a: {re: skip}}, skip: true}, {name: in}]`,
      ),
    );
    const decode = (data: Buffer) => decoder.decode(data, 0, data.length, record)?.code;
    expect(decode(Buffer.from(`{"t":"${TIME}","a":"café"}`))).toBe(undefined);
    expect(decoder.replaced).toBe(0);
    expect(decode(agent)).toBe(undefined);
    expect(record.whole).toMatchObject({ user_agent: { original: 'caf\ufffd \ufffd' } });
    expect(decode(skipped)).toBe('SKIPPED');
    expect(decoder.replaced).toBe(2);
    expect(decode(outside)).toBe('NOT_UTF8');
    expect(decoder.replaced).toBe(2);
  });

  test('never bring a raw value into a message, except that of the time', () => {
    fc.assert(
      fc.property(fc.string({ minLength: 12, unit: 'grapheme-ascii' }), (secret) => {
        const mapping = mappingOf(`${HEAD}copy: {portal.records.ids: p}`);
        const lines = [
          JSON.stringify({ p: secret }),
          JSON.stringify({ t: TIME, p: { x: secret } }),
          `{${secret}`,
        ];
        expect(described(mapping, lines)).not.toContain(secret);
      }),
    );
  });
});

/** The mapping under which an event is itself. */
const IDENTITY = mappingOf(
  `input: json\ntime: {field: "@timestamp"}\ncopy:\n${KNOWN_FIELDS.filter((path) => path !== '@timestamp')
    .map((path) => `  ${path}: ${path}\n`)
    .join('')}`,
);

describe('the identity mapping', () => {
  // Numbers of the vocabulary that are texts become numbers: the one wanted difference.
  const leaf = fc.oneof(
    fc.constantFrom('login', 'u-7f3a', 'Isère 😀', '', true, null, 12, -0.5, 1e300),
    fc.array(fc.constantFrom('a', 1, null, false), { maxLength: 3 }),
  );
  const event = fc
    .uniqueArray(fc.tuple(fc.constantFrom(...KNOWN_FIELDS), leaf), { selector: ([path]) => path })
    .chain((entries) =>
      fc.tuple(
        fc.constant(entries),
        fc.array(fc.boolean(), { minLength: entries.length, maxLength: entries.length }),
      ),
    )
    .map(([entries, dotted]) => {
      const root: Record<string, unknown> = {};
      entries.forEach(([path, value], i) => {
        const keys = path.split('.');
        if (dotted[i] || path === '@timestamp') root[path] = value;
        else {
          let at = root;
          for (const key of keys.slice(0, -1)) at = (at[key] ??= {}) as Record<string, unknown>;
          at[keys.at(-1)!] = value;
        }
      });
      return root;
    });

  test('gives the slots that the plain decoder gives', () => {
    const wanted = KNOWN_FIELDS.filter((path) => path !== '@timestamp');
    const build = (extra: Partial<DecoderOptions>) => {
      const fields = new FieldTable();
      for (const path of wanted) fields.slot(path);
      const decoder = createDecoder({ fields, timeRequired: true, pseudonymKey: KEY, ...extra });
      return { decoder, record: fields.newRecord() };
    };
    const plain = build({});
    const mapped = build({ mapping: IDENTITY });
    const run = ({ decoder, record }: typeof plain, data: Uint8Array) => {
      const fault = decoder.decode(data, 0, data.length, record);
      if (fault !== undefined) return fault;
      const slots = record.slots.map((value) =>
        value instanceof Pseudonyms ? Array.from({ length: value.length }, (_, i) => value.text(i)) : value,
      );
      // A null is absent to a mapping: it stands for nothing in most logs.
      return { time: record.time, size: record.size, slots: slots.map((value) => value ?? undefined) };
    };
    fc.assert(
      fc.property(event, fc.boolean(), (root, timed) => {
        const data = Buffer.from(JSON.stringify({ ...root, ...(timed ? { '@timestamp': TIME } : {}) }));
        expect(run(mapped, data)).toEqual(run(plain, data));
      }),
      { numRuns: 2000 },
    );
  });
});

test('no text makes reading a mapping throw', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom(...'{ } [ ] : , - # & * ! | > " a b'.split(' '), ' ', '\n') }),
      (text) => {
        const { mapping, faults } = parseMapping('m.yml', text);
        expect(mapping === undefined).toBe(faults.length > 0);
      },
    ),
  );
});
