/**
 * The mappings that come with Vigie, each on a sample of its log: `testdata/NAME.log.txt` beside the events it must
 * give, `NAME.events.txt`. After a wanted change: UPDATE_GOLDEN=1, then read the difference.
 */

import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { loadMapping, readyMappings } from '../../../../src/files/mapping-files.ts';
import { described } from './support.ts';

const text = (name: string): string => readFileSync(new URL(`testdata/${name}`, import.meta.url), 'utf8');

describe.each(readyMappings())('the ready mapping %s', (name) => {
  const { mapping, faults } = loadMapping(name);

  test('has no fault, and says what it is for', () => {
    expect(faults).toEqual([]);
    expect(mapping?.description).toMatch(/\w/);
  });

  test('makes these events of its sample', () => {
    const log = text(`${name}.log.txt`);
    const events = described(mapping!, log.split('\n').slice(0, -1));
    if (process.env['UPDATE_GOLDEN'] === '1') {
      writeFileSync(new URL(`testdata/${name}.events.txt`, import.meta.url), events);
    }
    expect(events).toBe(text(`${name}.events.txt`));
  });

  test("lets no person's id of the sample through", () => {
    const log = text(`${name}.log.txt`).split('\n').slice(0, -1);
    const events = described(mapping!, log);
    for (const id of ['0012345678A', '0012345679B', '0099999999Z', 'Martin', 'agent@']) {
      expect(events).not.toContain(id);
    }
  });

  test('uses each of its cases in the sample', () => {
    const events = described(mapping!, text(`${name}.log.txt`).split('\n').slice(0, -1));
    const used = new Set(Array.from(events.matchAll(/^\d+ (?:skipped: )?(.*)$/gm), ([, what]) => what));
    expect(mapping!.cases!.map((each) => each.name).filter((each) => !used.has(each))).toEqual([]);
  });
});

const web = (request: string, agent = '-') =>
  `192.0.2.7 - u-7f3a [12/Jul/2025:23:04:11 +0200] "${request}" 200 18240 "-" "${agent}"`;
const iis = (path: string, agent: string, referer = '-') =>
  `2025-07-12 21:04:11 192.0.2.7 GET ${path} u-7f3a ${agent} ${referer} 200`;
/** With what a client sends on both sides of the status. */
const around = (agent: string, referer: string) =>
  `2025-07-12 21:04:11 192.0.2.7 GET /dossiers/1 u-7f3a ${agent} 200 ${referer}`;
const FIELDS =
  '#Fields: date time c-ip cs-method cs-uri-stem cs-username cs(User-Agent) cs(Referer) sc-status';

describe('what a client sends hides no read', () => {
  test.each([
    ['quotes in the query, as Apache writes them', web(String.raw`GET /dossiers/1?q=\"x\" HTTP/1.1`)],
    ['one quote at its end', web(String.raw`GET /dossiers/1?\" HTTP/1.1`)],
    ['quotes in the query, as nginx writes them', web(String.raw`GET /dossiers/1?q=\x22x HTTP/1.1`)],
    ['a quote in the path', web(String.raw`GET /dossiers/1\"2 HTTP/1.1`)],
    ['a quote in the agent', web('GET /dossiers/1 HTTP/1.1', String.raw`a \"b`)],
    ['several slashes', web('GET //dossiers///1 HTTP/1.1')],
    ['a slash at the end', web('GET /dossiers/1/ HTTP/1.1')],
    ['an address with the name of the server', web('GET https://portal.example.fr/dossiers/1 HTTP/1.1')],
    ['a fragment, which nginx leaves out', web('GET /dossiers/1#/x HTTP/1.1')],
    ['a bracket in a name', web('GET /dossiers/1 HTTP/1.1').replace('u-7f3a', 'u [7')],
    ['a time in a name', web('GET /dossiers/1 HTTP/1.1').replace('u-7f3a', 'u [01/Jan/2020:00:00:00 +0000]')],
    [
      'quotes in a name',
      web('GET /dossiers/1 HTTP/1.1').replace('u-7f3a', String.raw`u [x] \"GET / HTTP/1.1\" 404`),
    ],
  ])('from nginx-combined: %s', (_, line) => {
    expect(described(loadMapping('nginx-combined').mapping!, [line])).toMatch(/^1 record\n/);
  });

  test('from nginx-combined: an empty name, which Apache writes as two quotes and nginx as nothing', () => {
    const lines = ['""', ''].map((name) => web('GET /dossiers/1 HTTP/1.1').replace('u-7f3a', name));
    const text = described(loadMapping('nginx-combined').mapping!, lines);
    expect(text).toMatch(/^1 record\n[^]*\n2 record\n/);
    expect(text).not.toContain('user.id');
  });

  test('from nginx-combined: the person is the same, however the address is written', () => {
    const paths = [
      '/dossiers/1',
      '/dossiers/1?x',
      '/dossiers/1#x',
      'http://portal/dossiers/1',
      'HTTP://p:80//dossiers/1/',
      'h2://p/dossiers/1',
      'a+b://p/dossiers/1',
      ' /dossiers/1',
    ];
    const lines = paths.map((path) => web(`GET ${path} HTTP/1.1`));
    const [first, ...others] = described(loadMapping('nginx-combined').mapping!, lines)
      .split(/^\d /m)
      .slice(1);
    expect(others).toEqual(others.map(() => first));
  });

  test.each([
    ['letters of another case, which IIS serves all the same', iis('/Dossiers/1', 'Mozilla/5.0')],
    ['several slashes', iis('//dossiers//1', 'Mozilla/5.0')],
    ['slashes at the end', iis('/dossiers/1//', 'Mozilla/5.0')],
    ['quotes that begin in one value and end in the next', iis('/dossiers/1', '"a', 'b"')],
    ['a quote alone', iis('/dossiers/1', '"')],
    ['a tab in a value', iis('/dossiers/1', 'a\tb')],
    ['as many tabs as there are columns', iis('/dossiers/1', `a${'\t'.repeat(8)}b`)],
    ['as many tabs in quotes', iis('/dossiers/1', `"a b${'\t'.repeat(8)}"`)],
  ])('from w3c: %s', (_, line) => {
    expect(described(loadMapping('w3c').mapping!, [FIELDS, line])).toContain('\n2 record\n');
  });

  test('from w3c: quotes around the status, and a tab that makes up for the column', () => {
    const fields = FIELDS.replace('cs(Referer) sc-status', 'sc-status cs(Referer)');
    const lines = [fields, around('"a', 'b"\tc\td'), around('"a"', '"b"')];
    expect(described(loadMapping('w3c').mapping!, lines)).toMatch(/\n2 record\n[^]*\n3 record\n[^]*= "a"/);
  });

  test('from nginx-json: a slash at the end', () => {
    const line = json('Mozilla/5.0').replace('/dossiers/1', '/dossiers/1/');
    expect(described(loadMapping('nginx-json').mapping!, [line])).toMatch(/^1 record\n/);
  });

  test('from w3c: an account in letters of another case, which Windows takes for the same', () => {
    const lines = ['u-7f3a', 'U-7F3A'].map((name) =>
      iis('/dossiers/1', 'Mozilla/5.0').replace('u-7f3a', name),
    );
    const [, one, other] = described(loadMapping('w3c').mapping!, [FIELDS, ...lines])
      .split(/^\d /m)
      .slice(1);
    expect(other).toBe(one);
  });
});

const json = (agent: string) =>
  `{"time":"1752354251.120","ip":"192.0.2.7","method":"GET","path":"/dossiers/1","status":"200","agent":"${agent}"}`;
const latin1 = (line: string) => Buffer.from(line, 'latin1');

test.each([
  ['a byte alone', '\xff'],
  ['a letter of Latin-1', 'caf\xe9s'],
  ['a sequence that the quote behind it cuts off', 'a\xe2\x82'],
  ['half of a surrogate pair', '\xed\xa0\x80'],
  ['a slash in a form too long', '\xc0\xaf'],
])('bytes of a client that are no UTF-8 hide no read: %s', (_, agent) => {
  const nginx = latin1(web('GET /dossiers/1 HTTP/1.1', agent));
  expect(described(loadMapping('nginx-combined').mapping!, [nginx])).toMatch(/^1 record\n/);
  expect(described(loadMapping('nginx-json').mapping!, [latin1(json(agent))])).toMatch(/^1 record\n/);
  const w3c = [FIELDS, latin1(iis('/dossiers/1', agent))];
  expect(described(loadMapping('w3c').mapping!, w3c)).toContain('\n2 record\n');
});

test('the name of a virtual host before a line is not taken for the address of the client', () => {
  const line =
    'portal.example.fr:443 192.0.2.7 - u-7f3a [12/Jul/2025:23:04:11 +0200] "GET /dossiers/1 HTTP/1.1" 200 1 "-" "-"';
  expect(described(loadMapping('nginx-combined').mapping!, [line])).toMatch(/^1 NOT_IN_FORMAT/);
});
