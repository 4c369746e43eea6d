/** What only the scanner does: it must be the one that decodes, forget what it cannot hold, and give way where it cannot run. */

import { afterEach, expect, it, vi } from 'vitest';

import { createDecoder } from '../../../src/event/create-decoder.ts';
import { JsonParseDecoder } from '../../../src/event/json-parse-decoder.ts';
import { FieldTable } from '../../../src/event/record.ts';

const PATHS = ['event.id', 'event.action', 'user.id', 'user.roles', 'portal.records.ids'];

afterEach(() => {
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
  vi.resetModules();
});

function decoderOf(create: typeof createDecoder = createDecoder, firstEvents = 0, timeRequired = false) {
  const fields = new FieldTable();
  for (const path of PATHS) fields.slot(path);
  const decoder = create({ fields, timeRequired, pseudonymKey: new Uint8Array(16) }, firstEvents);
  const record = fields.newRecord();
  return (text: string) => {
    const bytes = Buffer.from(text);
    return decoder.decode(bytes, 0, bytes.length, record) === undefined ? record.slots : undefined;
  };
}

const event = (i: number, more = '') =>
  `{"@timestamp":"2025-07-12T21:04:11.120Z","event":{"id":"id-${i}","action":"record-view"},"user":{"id":"u-${i % 9}","roles":["rgc"]},"portal":{"records":{"ids":["00${i}A"]}}${more}}`;

it.each<[string, (text: string) => string]>([
  ['as usual', (text) => text],
  ['spaced', (text) => JSON.stringify(JSON.parse(text), null, 2)],
  [
    'with keys in another order',
    (text) => JSON.stringify(Object.fromEntries(Object.entries(JSON.parse(text) as object).reverse())),
  ],
  ['with dotted keys', (text) => text.replace('"user":{"id":"u-1",', '"user.id":"u-1","user":{')],
  ['with escapes in keys and values', (text) => text.replaceAll('"i', String.raw`"\u0069`)],
  ['with a key twice', (text) => text.replaceAll('"action":', '"action":1,"action":')],
  ['with every object twice', (text) => text.replace(/^\{(.*)\}$/, '{$1,$1}')],
  ['with a list where objects go on', (text) => text.replace(/"user":(\{.*?\})/, '"user":[$1,$1]')],
  ['with ids in a list of objects', (text) => text.replace(/"records":(\{.*?\})/, '"records":[$1,[$1]]')],
  ['with a field nested and dotted', (text) => text.replace('"user":', '"user.id":"u","user":')],
  ['with a byte-order mark', (text) => `\ufeff${text}`],
  ['with ids in lists of lists', (text) => text.replace(/"ids":(\[.*?\])/, '"ids":[$1,true]')],
  ['with objects for values', (text) => text.replace('"record-view"', '{"a":[1]}')],
  ['with a time in another form', (text) => text.replace('Z', '+02:00')],
  ['with text beyond ASCII', (text) => text.replace('rgc', 'été')],
])('decodes events %s itself', (_, change) => {
  const decode = decoderOf();
  const reference = vi.spyOn(JsonParseDecoder.prototype, 'decode');
  for (let i = 0; i < 600; i++) expect(decode(change(event(i)))).toBeDefined();
  expect(reference).not.toHaveBeenCalled();
});

it('refuses broken events and those without a time itself', () => {
  const decode = decoderOf(createDecoder, 0, true);
  const reference = vi.spyOn(JsonParseDecoder.prototype, 'decode');
  for (let i = 0; i < 600; i++) {
    expect(decode(event(i).slice(0, -1 - (i % 200)))).toBe(undefined);
    expect(decode(event(i).replace('@', ''))).toBe(undefined);
  }
  expect(reference).not.toHaveBeenCalled();
});

it('knows the ways it has learned to end an event, also when they empty an object', () => {
  const decode = decoderOf();
  for (let i = 0; i < 600; i++) {
    expect(decode(event(i, ',"user":{}'))?.slice(0, 3), `event ${i}`).toEqual([
      `id-${i}`,
      'record-view',
      undefined,
    ]);
  }
});

it('begins again when keys that never come back have taken all room', () => {
  const decode = decoderOf();
  for (let i = 0; i < 40_000; i++) {
    const more = Array.from({ length: 3 }, (_, n) => `,"k${i}-${n}":{"x${i}":1}`).join('');
    const slots = decode(event(i, more));
    if (slots?.[0] !== `id-${i}` || slots[2] !== `u-${i % 9}`) expect(slots, `event ${i}`).toBe(`id-${i}`);
  }
});

it('leaves the first events of a decoder to the reference', () => {
  const decode = decoderOf(createDecoder, 3);
  const reference = vi.spyOn(JsonParseDecoder.prototype, 'decode');
  for (let i = 0; i < 10; i++) decode(event(i));
  expect(reference).toHaveBeenCalledTimes(3);
});

function ModuleThatCannotBe(): void {
  throw new Error('no SIMD here');
}

it('gives way to the reference where WebAssembly cannot run, and says why', async () => {
  vi.stubGlobal('WebAssembly', { Module: ModuleThatCannotBe });
  vi.resetModules();
  const { createDecoder: create } = await import('../../../src/event/create-decoder.ts');
  const { scannerModule } = await import('../../../src/event/scanner-module.ts');
  const decode = decoderOf(create);
  for (let i = 0; i < 10; i++) expect(decode(event(i))?.[0]).toBe(`id-${i}`);
  expect(scannerModule().fault).toBe('no SIMD here');
});

it.each([12, 300, 1800])(
  'makes no string anew for values that come again, with %d wanted fields',
  (wanted) => {
    const fields = new FieldTable();
    for (let i = 0; i < wanted; i++) fields.slot(`labels.f${i}`);
    const decoder = createDecoder({ fields, timeRequired: false, pseudonymKey: new Uint8Array(16) }, 0);
    const record = fields.newRecord();
    const decode = (i: number): void => {
      const bytes = Buffer.from(
        `{"labels":{"f0":"a value","f1":"one of ${i % 5}","f2":"another","f${wanted - 1}":"last"}}`,
      );
      expect(decoder.decode(bytes, 0, bytes.length, record)).toBeUndefined();
    };
    for (let i = 0; i < 2000; i++) decode(i);
    const made = (['latin1Slice', 'utf8Slice', 'toString'] as const).map((name) =>
      vi.spyOn(Buffer.prototype as Buffer & Record<string, () => string>, name),
    );
    for (let i = 0; i < 100; i++) decode(i);
    expect(made.flatMap(({ mock }) => mock.calls)).toEqual([]);
  },
);
