import { describe, expect, it } from 'vitest';

import type { DecoderOptions } from '../../../src/event/decoder-options.ts';
import type { Decoder } from '../../../src/event/decoder.ts';
import { JsonParseDecoder } from '../../../src/event/json-parse-decoder.ts';
import { Pseudonyms, pseudonymText } from '../../../src/event/pseudonyms.ts';
import { IdLinker, IdLinks } from '../../../src/event/id-links.ts';
import { FieldTable } from '../../../src/event/record.ts';
import { createDecoder } from '../../../src/event/create-decoder.ts';
import { SipHash } from '../../../src/event/siphash.ts';

const KEY = Uint8Array.from({ length: 16 }, (_, i) => 7 * i);
const TIME = '"@timestamp":"2025-07-12T21:04:11.120Z"';
const TIME_MS = Date.UTC(2025, 6, 12, 21, 4, 11, 120);

type Create = (options: DecoderOptions) => Decoder;
type Setup = Partial<DecoderOptions> & { readonly whole?: boolean; readonly linked?: number };

/** The pseudonym of an id, worked out apart from the decoders. */
function pseudonym(id: string): string {
  const hash = new SipHash(KEY);
  hash.hashString(id);
  return pseudonymText(hash.out[0]!, hash.out[1]!);
}

function personsOf(...ids: string[]) {
  return { persons: ids.map(pseudonym) };
}

/** Decodes one event; persons are shown as `{ persons: [texts] }`. */
function decodeWith(create: Create, paths: readonly string[], input: string | Uint8Array, setup: Setup = {}) {
  const fields = new FieldTable();
  for (const path of paths) fields.slot(path);
  if (setup.whole === true) fields.wantWhole();
  if (setup.linked !== undefined) fields.linkedSlot('portal.records.ids', setup.linked);
  const decoder = create({ fields, timeRequired: true, pseudonymKey: KEY, ...setup });
  const record = fields.newRecord();
  const bytes = Buffer.from(input);
  const data = Buffer.concat([Buffer.from('"}'), bytes, Buffer.from('"}')]);
  // A second decoding finds every cache and prediction warm.
  decoder.decode(data, 2, 2 + bytes.length, record);
  const fault = decoder.decode(data, 2, 2 + bytes.length, record);
  if (fault !== undefined) return { code: fault.code, message: fault.message };
  const values = Object.fromEntries(paths.map((path, slot) => [path, shown(record.slots[slot])]));
  return { values, time: record.time, size: record.size, whole: record.whole };
}

/** Persons with the links of their ids and of the neighbours up to `steps` away. */
function linkedPersonsOf(steps: number, ...ids: string[]) {
  const links = new IdLinks(steps);
  const linker = new IdLinker(KEY);
  for (const id of ids) linker.addText(id, links);
  return { ...personsOf(...ids), links: [...links.values.subarray(0, links.length * links.stride)] };
}

function shown(value: unknown): unknown {
  if (!(value instanceof Pseudonyms)) return value;
  const { links } = value;
  return {
    ...(links && { links: [...links.values.subarray(0, links.length * links.stride)] }),
    persons: Array.from({ length: value.length }, (_, i) => value.text(i)),
  };
}

describe.each<[string, Create]>([
  ['the reference decoder', (options) => new JsonParseDecoder(options)],
  ['the scanner', (options) => createDecoder(options, 0)],
])('%s', (_, create) => {
  const value = (path: string, json: string, setup: Setup = {}) => {
    const decoded = decodeWith(create, [path], `{${TIME},${json}}`, setup);
    return decoded.values === undefined ? decoded.code : decoded.values[path];
  };
  const persons = (json: string, setup?: Setup) =>
    value('portal.records.ids', `"portal":{"records":{"ids":${json}}}`, setup);
  const personsOfAll = (json: string) => value('portal.records.ids', `"portal":{"records":${json}}`);
  const linked = (json: string, steps: number) => persons(json, { linked: steps });
  const codeOf = (input: string | Uint8Array, setup?: Setup) =>
    decodeWith(create, ['user.id', 'portal.records.ids'], input, setup).code;

  const timeOf = (json: string, timestampField: string, paths: string[] = []) =>
    decodeWith(create, paths, json, { timestampField }).time;

  it('takes every type of value of a wanted field', () => {
    expect(value('a', '"a":"x"')).toBe('x');
    expect(value('a', '"a":""')).toBe('');
    expect(value('a', String.raw`"a":"q\"\\\/\b\f\n\r\té\ud83d\ude00"`)).toBe('q"\\/\b\f\n\r\té😀');
    expect(value('a', '"a":"Isère 😀"')).toBe('Isère 😀');
    expect(value('a', '"a":-12.5e1')).toBe(-125);
    expect(value('a', '"a":12345678901234567890')).toBe('12345678901234567890');
    expect(value('a', '"a":-0')).toBe(-0);
    expect(value('a', '"a":true')).toBe(true);
    expect(value('a', '"a":false')).toBe(false);
    expect(value('a', '"a":null')).toBe(null);
    expect(value('a', '"a":[]')).toEqual([]);
    expect(value('a', '"a":["x",1,null,true]')).toEqual(['x', 1, null, true]);
    expect(value('a', '"a":{"b":[{"c":1}]}')).toEqual({ b: [{ c: 1 }] });
    expect(value('a', '"b":1')).toBe(undefined);
  });

  it('reads nested and dotted keys, and the longest dotted prefix that resolves wins', () => {
    expect(value('a.b.c', '"a":{"b":{"c":1}}')).toBe(1);
    expect(value('a.b.c', '"a.b":{"c":2}')).toBe(2);
    expect(value('a.b.c', '"a":{"b.c":3}')).toBe(3);
    expect(value('a.b.c', '"a":{"b":{"c":1}},"a.b":{"c":2},"a.b.c":4')).toBe(4);
    expect(value('a.b.c', '"a":{"b":{"c":1}},"a.b":{"c":2}')).toBe(2);
    expect(value('a.b.c', '"a":{"b":{"c":1}},"a.b":{"x":2}')).toBe(1);
    expect(value('a.b.c', '"a":{"b":{"c":1}},"a.b.c":null')).toBe(null);
    expect(value('a.b.c', '"a":{"b.c":1,"b":{"c":2}},"a.b":{"c":3}')).toBe(3);
    expect(value('a.b.c', '"a.b":{"c":3},"a":{"b":{"c":2},"b.c":1}')).toBe(3);
    expect(value('a.b.c', '"a.b":{"c":3},"a":{"b":{"c":2},"b.c":1},"a.b":{}')).toBe(1);
    expect(value('a.b.c', '"a.b":{"c":3},"a":{"b.c":1},"a":{}')).toBe(3);
    expect(persons('[["x"]],"x":0}},"portal.records":{"ids":["y"],"x":1},"z":{"z":{"z":0')).toEqual(
      personsOf('y'),
    );
    expect(value('a.b.c', '"a":{"b":1}')).toBe(undefined);
    expect(value('a.b.c', '"a":null')).toBe(undefined);
  });

  it('gathers what the objects of a crossed list hold', () => {
    expect(value('a.b', '"a":[{"b":1},{"c":2},3,{"b":null},{"b":[4,[5]]}]')).toEqual([1, null, 4, [5]]);
    expect(value('a.b', '"a":[{"c":1},"b"]')).toBe(undefined);
    expect(value('a.b', '"a":[]')).toBe(undefined);
    expect(value('a.b.c', '"a":[{"b":[{"c":1},{"c":2}]},{"b.c":3}]')).toEqual([1, 2, 3]);
    expect(value('a.b', String.raw`"a":[{"b":{"x":[1]}},[{"\u0062":"é"},[{"b":[]}]],{"b":-1.5e3}]`)).toEqual([
      { x: [1] },
      'é',
      -1500,
    ]);
    expect(value('a.b', '"a":[{"b":[]}]')).toEqual([]);
    expect(value('a.b', '"a":[{"b":1,"b":2},{"b":3}]')).toEqual([2, 3]);
    expect(value('a.b.c', '"a":[{"b":{"c":1},"b":{"x":2}},{"b":[{"c":3,"c":[4]}],"x":5}]')).toEqual([4]);
    expect(value('a.b.c', '"a":[{"b":{"c":1},"b.c":2},{"b.c":3},{"b":{"c":4}}]')).toEqual([2, 3, 4]);
    const many = Array.from({ length: 50_000 }, (_, i) => ({ b: [i, `${i}`] }));
    expect(value('a.b', `"a":${JSON.stringify(many)}`, { maxEventBytes: 1e7 })).toEqual(
      many.flatMap(({ b }) => b),
    );
  });

  it('lets the last of equal keys win, at every level', () => {
    expect(value('a', '"a":1,"a":2')).toBe(2);
    expect(value('a.b', '"a":{"b":1},"a":{}')).toBe(undefined);
    expect(value('a.b', '"a":{"b":1},"a":{"b":2}')).toBe(2);
    expect(value('a', String.raw`"a":1,"\u0061":2`)).toBe(2);
    expect(value('a.b', '"a":{"b":1},"a":{"c":2}')).toBe(undefined);
    expect(value('a.b', '"a":{"b":1},"a":3')).toBe(undefined);
    expect(value('a.b', '"a":[{"b":1}],"a":{"b":2}')).toBe(2);
    expect(value('a.b', '"a":{"b":1},"a":[{"b":2},{"b":3}]')).toEqual([2, 3]);
    expect(value('a.b', '"a":[{"b":1}],"a":[]')).toBe(undefined);
    expect(value('a.b.c', '"a":{"b":[{"c":1}]},"a":{"b":{}}')).toBe(undefined);
    expect(value('a.b.c', '"a":{"b.c":1,"b":{"c":2}},"a":{"b":{"c":3}}')).toBe(3);
    expect(persons('["x"],"ids":[["y"]]')).toEqual(personsOf('y'));
    expect(persons('[["x"]],"ids":["y"]')).toEqual(personsOf('y'));
    expect(persons('[["x"]]},"records":{"count":1')).toBe(undefined);
    const many = Array.from({ length: 3000 }, (_, i) => `"a":{"b":${i}},"a":[{"b":${i}}],`).join('');
    expect(value('a.b', `${many}"a":{"b":"last"}`)).toBe('last');
  });

  it('gathers the persons of a crossed list', () => {
    expect(
      personsOfAll('[{"ids":["x"]},{"ids":[]},{"n":1},{"ids":["y",["z"]]},{"ids":7},{"ids":null}]'),
    ).toEqual(personsOf('x', 'y', 'z', '7'));
    expect(personsOfAll('[{"ids":null}]')).toEqual(personsOf());
    expect(personsOfAll('[{"n":1}]')).toBe(undefined);
    expect(personsOfAll('[{"ids":{}}]')).toBe('BAD_FIELD');
  });

  it('refuses the time of a crossed list', () => {
    const setup = { timestampField: 'event.created' };
    const code = (json: string) => decodeWith(create, [], json, setup).code;
    expect(code('{"event":[{"created":"2025-07-12T21:04:11Z"}]}')).toBe('BAD_TIME');
    expect(code('{"event":[{"x":1}]}')).toBe('NO_TIME');
  });

  it('treats the names of object machinery as plain data', () => {
    expect(value('__proto__', '"__proto__":"x"')).toBe('x');
    expect(value('__proto__.a', '"__proto__":{"a":1}')).toBe(1);
    expect(value('constructor', '"b":1')).toBe(undefined);
    expect(value('toString.length', '"b":1')).toBe(undefined);
  });

  it('takes keys that are not ASCII', () => {
    expect(value('libellé', '"libellé":"x","libelle":"y"')).toBe('x');
    expect(value('libellé', String.raw`"libell\u00e9":"x"`)).toBe('x');
  });

  it('keeps the digits of an integer that a double cannot hold, as text', () => {
    for (const exact of ['9007199254740992', '9007199254740993', '-9007199254740993', '12345678901234567890'])
      expect(value('n', `"n":${exact}`)).toBe(exact);
    expect(value('n', '"n":9007199254740991')).toBe(9_007_199_254_740_991);
    expect(value('n', '"n":9007199254740993.5')).toBe(9_007_199_254_740_994);
    expect(value('n', '"n":1e20')).toBe(1e20);
    for (let i = 0; i < 40; i++) {
      const before = `"${'x'.repeat(i)}":123456789012345,`;
      expect(value('n', `${before}"n":9007199254740993,"z":1`)).toBe('9007199254740993');
    }
    expect(
      value('n', String.raw`"\u0061":"9007199254740993, \"9007199254740993","n":[[9007199254740993]]`),
    ).toEqual([['9007199254740993']]);
  });

  it('hashes persons, the same for string and number, one or many', () => {
    expect(persons('["0012A","0013A"]')).toEqual(personsOf('0012A', '0013A'));
    expect(persons('"0012A"')).toEqual(personsOf('0012A'));
    expect(persons('[12,"12",12.0,1.2e1]')).toEqual(personsOf('12', '12', '12', '12'));
    expect(persons('[-0,-7,1e21,12345678901234567890]')).toEqual(
      personsOf('0', '-7', '1e+21', '12345678901234567890'),
    );
    expect(persons(String.raw`["\u0041","é","\ud800"]`)).toEqual(personsOf('A', 'é', '\ufffd'));
    expect(persons('[null,true,[["x"],"y"]]')).toEqual(personsOf('true', 'x', 'y'));
    expect(persons('[9007199254740993]')).toEqual(personsOf('9007199254740993'));
    expect(persons('[]')).toEqual(personsOf());
    expect(persons('null')).toBe(null);
    expect(persons(`[${Array.from({ length: 40 }, (_, i) => i).join()}]`)).toEqual(
      personsOf(...Array.from({ length: 40 }, (_, i) => String(i))),
    );
    expect(persons('[{"id":1}]')).toBe('BAD_FIELD');
    expect(persons('{"id":1}')).toBe('BAD_FIELD');
  });

  it('makes links of persons where somebody asked for them', () => {
    expect(linked('["0012A","0013A"]', 1)).toEqual(linkedPersonsOf(1, '0012A', '0013A'));
    expect(linked('"p-99"', 4)).toEqual(linkedPersonsOf(4, 'p-99'));
    expect(linked(String.raw`[12,1.2e1,"\u0031\u0032","é7","x"]`, 2)).toEqual(
      linkedPersonsOf(2, '12', '12', '12', 'é7', 'x'),
    );
    const many = Array.from({ length: 100 }, (_, i) => `p-${i}`);
    expect(linked(JSON.stringify(many), 3)).toEqual(linkedPersonsOf(3, ...many));
    expect(linked('[]', 1)).toEqual({ persons: [], links: [] });
  });

  it('hides raw ids also from whoever wants the whole event or what is around them', () => {
    const event = `{${TIME},"portal.records.ids":["raw1"],"portal":{"records":{"ids":["raw2",3],"count":2}}}`;
    const decoded = decodeWith(create, ['portal', 'portal.records.ids'], event, { whole: true });
    expect(JSON.stringify(decoded)).not.toMatch(/raw|\b3\b/);
    expect(decoded.values).toEqual({
      portal: { records: { ids: [pseudonym('raw2'), pseudonym('3')], count: 2 } },
      'portal.records.ids': { persons: [pseudonym('raw1')] },
    });
    expect(decoded.whole).toMatchObject({ 'portal.records.ids': [pseudonym('raw1')] });
    const below = decodeWith(
      create,
      ['portal.records.ids.name'],
      '{"@timestamp":1752354251120,"portal.records":{"ids":[{"name":"raw"}]}}',
    );
    expect(below.code).toBe('BAD_FIELD');
  });

  it('never quotes the event in a message', () => {
    const secret = '999SECRET999';
    for (const event of [
      `{"portal":{"records":{"ids":["${secret}]}}}`,
      `{"portal":{"records":{"ids":[${secret}]}}}`,
      `{${TIME},"portal":{"records":{"ids":[{"${secret}":1}]}}}`,
      `"${secret}"`,
    ]) {
      const decoded = decodeWith(create, ['portal.records.ids'], event);
      expect(decoded.code).toBeDefined();
      expect(decoded.message).not.toContain('SECRET');
    }
  });

  it('names the dead letter', () => {
    expect(codeOf('')).toBe('NOT_JSON');
    expect(codeOf('  ')).toBe('NOT_JSON');
    expect(codeOf('{"a":1')).toBe('NOT_JSON');
    expect(codeOf('{"a":1}}')).toBe('NOT_JSON');
    expect(codeOf('{"a":01}')).toBe('NOT_JSON');
    expect(codeOf(`{${TIME},"a":"\0"}`)).toBe('NOT_JSON');
    expect(codeOf(`{${TIME}}\0`)).toBe('NOT_JSON');
    expect(codeOf('[1]')).toBe('NOT_AN_OBJECT');
    expect(codeOf('null')).toBe('NOT_AN_OBJECT');
    expect(codeOf('"x"')).toBe('NOT_AN_OBJECT');
    expect(codeOf(Buffer.from(`{${TIME},"a":"\xe9"}`, 'latin1'))).toBe('NOT_UTF8');
    expect(codeOf('{"a":1}')).toBe('NO_TIME');
    expect(codeOf('{"@timestamp":null}')).toBe('NO_TIME');
    expect(codeOf('{"@timestamp":"yesterday"}')).toBe('BAD_TIME');
    expect(codeOf('{"@timestamp":["2025-07-12T21:04:11Z"]}')).toBe('BAD_TIME');
    expect(codeOf(`{${TIME},"portal.records.ids":{}}`)).toBe('BAD_FIELD');
    expect(codeOf(`{${TIME},"a":"${'x'.repeat(100)}"}`, { maxEventBytes: 100 })).toBe('TOO_LARGE');
  });

  it('refuses what is nested too deep without overflowing the stack', () => {
    const nested = (depth: number) => `{${TIME},"a":${'['.repeat(depth)}${']'.repeat(depth)}}`;
    expect(codeOf(nested(511))).toBe(undefined);
    expect(codeOf(nested(512))).toBe('TOO_DEEP');
    expect(codeOf(nested(100_000))).toBe('TOO_DEEP');
    expect(codeOf(`${'{"user":'.repeat(50_000)}1${'}'.repeat(50_000)}`)).toBe('TOO_DEEP');
    expect(codeOf('['.repeat(100_000))).toBe('NOT_JSON');
    expect(codeOf(`{${TIME},"a":"${'['.repeat(2000)}\\"[","b":"\\\\"}`)).toBe(undefined);
  });

  it('says which byte breaks the JSON, however deep it lies', () => {
    for (const depth of [1, 511, 512, 100_000]) {
      const message = (text: string) => decodeWith(create, [], `${'['.repeat(depth)}${text}`).message;
      expect(message('1,x]')).toBe(`byte ${depth + 2} breaks the JSON`);
      expect(message('{"a":[],"b" 1}')).toBe(`byte ${depth + 12} breaks the JSON`);
      expect(message('}')).toBe(`byte ${depth} breaks the JSON`);
      expect(message(`1${']'.repeat(depth)}]`)).toBe(`byte ${2 * depth + 1} breaks the JSON`);
      expect(message('{"a":{}')).toBe(`the JSON ends early, after ${depth + 7} bytes`);
    }
  });

  it('finds the time under any path, as text or number, wanted or not', () => {
    expect(timeOf(`{${TIME}}`, '@timestamp')).toBe(TIME_MS);
    expect(timeOf(`{${TIME}}`, '@timestamp', ['@timestamp'])).toBe(TIME_MS);
    expect(timeOf('{"event":{"created":"2025-07-12T21:04:11.12Z"}}', 'event.created')).toBe(TIME_MS);
    expect(timeOf('{"event.created":1752354251120}', 'event.created', ['event.created'])).toBe(
      1_752_354_251_120,
    );
    expect(timeOf(String.raw`{"t":"2025-07-12\u005421:04:11.12Z"}`, 't')).toBe(TIME_MS);
  });

  it('lets events without a time pass when none is required, but not with a bad one', () => {
    const optional = { timeRequired: false };
    expect(decodeWith(create, ['a'], '{"a":1}', optional)).toMatchObject({ values: { a: 1 }, time: NaN });
    expect(decodeWith(create, ['a'], '{"@timestamp":null}', optional)).toMatchObject({ time: NaN });
    expect(codeOf('{"@timestamp":"x"}', optional)).toBe('BAD_TIME');
  });

  it('tolerates white space around the event and a byte-order mark', () => {
    for (const event of [` \t{${TIME}}\r`, `\r\n{ ${TIME} }\n`, `\ufeff{${TIME}}`]) {
      expect(decodeWith(create, [], event)).toMatchObject({ time: TIME_MS, size: Buffer.byteLength(event) });
    }
  });

  it('leaves nothing of the event before in the record', () => {
    const fields = new FieldTable();
    fields.slot('a');
    fields.slot('portal.records.ids');
    const decoder = create({ fields, timeRequired: false, pseudonymKey: KEY });
    const record = fields.newRecord();
    for (const event of [
      `{${TIME},"a":1,"portal.records.ids":["x","y"]}`,
      '{"portal.records.ids":["z"]}',
      '{}',
    ]) {
      const bytes = Buffer.from(event);
      expect(decoder.decode(bytes, 0, bytes.length, record)).toBe(undefined);
    }
    expect(record).toMatchObject({ slots: [undefined, undefined], time: NaN, size: 2 });
  });

  it('takes many elements and any view of bytes', () => {
    const many = Array.from({ length: 200_000 }, () => 1);
    expect(value('a.b', `"a":[{"b":[${many.join()}]}]`)).toEqual(many);
    const fields = new FieldTable();
    const slot = fields.slot('a');
    const decoder = create({ fields, timeRequired: false, pseudonymKey: KEY });
    const record = fields.newRecord();
    const bytes = new TextEncoder().encode('xx{"a":["été",1.5]}xx').subarray(2);
    expect(decoder.decode(bytes, 0, bytes.length - 2, record)).toBe(undefined);
    expect(record.slots[slot]).toEqual(['été', 1.5]);
  });
});

it('keeps strings apart that begin alike', () => {
  const fields = new FieldTable();
  const slot = fields.slot('a');
  const decoder = createDecoder({ fields, timeRequired: false, pseudonymKey: KEY }, 0);
  const record = fields.newRecord();
  for (let i = 0; i < 5000; i++) {
    const text = String.fromCharCode(0x61 + (i % 23)).repeat(1 + (i % 29));
    const bytes = Buffer.from(JSON.stringify({ a: text }));
    decoder.decode(bytes, 0, bytes.length, record);
    expect(record.slots[slot]).toBe(text);
  }
});

it('keeps strings apart, however many there are and whether they come back or not', () => {
  const fields = new FieldTable();
  const slots = ['a', 'b', 'c'].map((path) => fields.slot(path));
  const decoder = createDecoder({ fields, timeRequired: false, pseudonymKey: KEY }, 0);
  const record = fields.newRecord();
  for (let i = 0; i < 60_000; i++) {
    const values = [`u-${(i * 7919) % 9000}`, `unique-${i}`, `${'long '.repeat(20)}${i % 700}é`];
    const bytes = Buffer.from(JSON.stringify({ a: values[0], b: values[1], c: values[2] }));
    expect(decoder.decode(bytes, 0, bytes.length, record)).toBe(undefined);
    const same = slots.every((slot, n) => record.slots[slot] === values[n]);
    if (!same) expect(record.slots, `event ${i}`).toEqual(values);
  }
});

it('forgets the keys that it learned between two events, never within one', () => {
  const fields = new FieldTable();
  const slot = fields.slot('a');
  const decoder = createDecoder({ fields, timeRequired: false, pseudonymKey: KEY }, 0);
  const record = fields.newRecord();
  // New keys alone, until there is no room for more of them, and values that are read from the event's bytes.
  for (let i = 0; i < 40_000; i++) {
    const value = JSON.stringify({ i, text: `x${i}` });
    const bytes = Buffer.from(`{"a":${value},"k${i}":0,"l${i}":0,"m${i}":0}`);
    expect(decoder.decode(bytes, 0, bytes.length, record)).toBe(undefined);
    const found = JSON.stringify(record.slots[slot]);
    if (found !== value) expect(found, `event ${i}`).toBe(value);
  }
});

it('refuses new fields once a decoder is built', () => {
  const fields = new FieldTable();
  createDecoder({ fields, timeRequired: true, pseudonymKey: KEY });
  expect(() => fields.slot('late')).toThrow(/after the decoder was built/);
});
