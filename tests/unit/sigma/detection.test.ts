import { describe, expect, test } from 'vitest';
import { fires, selects } from './matching.ts';

/** What a selection says of an event: the table reads as "selection, events it matches, events it doesn't". */
interface Row {
  readonly name: string;
  readonly selection: string;
  readonly yes: readonly unknown[];
  readonly no: readonly unknown[];
}

function table(rows: readonly Row[]): void {
  test.each(rows)('$name', ({ selection, yes, no }) => {
    for (const event of yes)
      expect(selects(selection, event), `should match ${JSON.stringify(event)}`).toBe(true);
    for (const event of no)
      expect(selects(selection, event), `should not match ${JSON.stringify(event)}`).toBe(false);
  });
}

describe('maps, lists and values', () => {
  table([
    {
      name: 'a map needs all its keys',
      selection: 'a: 1\nb: 2',
      yes: [{ a: 1, b: 2 }],
      no: [{ a: 1 }, { a: 1, b: 3 }, {}],
    },
    {
      name: 'a list of values needs one',
      selection: 'a: [x, y]',
      yes: [{ a: 'x' }, { a: 'y' }],
      no: [{ a: 'z' }, { a: 'xy' }],
    },
    {
      name: 'a list of maps needs one',
      selection: '- a: 1\n  b: 2\n- c: 3',
      yes: [{ a: 1, b: 2 }, { c: 3 }],
      no: [{ a: 1 }, { b: 2 }],
    },
    {
      name: 'strings match whole and in any letter case',
      selection: 'a: Login',
      yes: [{ a: 'LOGIN' }, { a: 'login' }],
      no: [{ a: 'logins' }, { a: '' }],
    },
    {
      name: 'letter case covers all letters',
      selection: 'a: ÉLÈVE Σ ñ Ж',
      yes: [{ a: 'élève σ Ñ ж' }, { a: 'Élève ς ñ Ж' }],
      no: [{ a: 'eleve σ ñ ж' }],
    },
    {
      name: 'the letter of a number’s text in any letter case, as that of every text',
      selection: "a: '1E+21'",
      yes: [{ a: 1e21 }, { a: '1e+21' }],
      no: [{ a: 1e20 }, { a: 21 }],
    },
    {
      name: 'the letter of a number’s text as it is where the rule says so',
      selection: "a|cased: '1E+21'",
      yes: [{ a: '1E+21' }],
      no: [{ a: 1e21 }],
    },
    {
      name: 'integers beyond 2^53, digit by digit',
      selection: 'a: [9007199254740993, +12345678901234567891, 0x7fffffffffffffff]',
      yes: [
        '{"a":9007199254740993}',
        { a: '9007199254740993' },
        '{"a":[12345678901234567891]}',
        { a: '12345678901234567891' },
        '{"a":9223372036854775807}',
        { a: '0x7FFFFFFFFFFFFFFF' },
      ],
      no: [
        '{"a":9007199254740992}',
        { a: '9007199254740992' },
        '{"a":12345678901234567890}',
        '{"a":9223372036854775808}',
        { a: '9223372036854776000' },
      ],
    },
    {
      name: 'large numbers that are no plain integers',
      selection: 'a: [1e20, 9007199254740992]',
      yes: ['{"a":1e20}', '{"a":100000000000000000000}', '{"a":9007199254740992}'],
      no: ['{"a":9007199254740993}'],
    },
    {
      name: 'comparing integers beyond 2^53',
      selection: 'a|gt: 9007199254740000',
      yes: ['{"a":9007199254740993}'],
      no: ['{"a":9007199254739993}'],
    },
    {
      name: 'numbers compare as text',
      selection: 'a: 4625',
      yes: [{ a: 4625 }, { a: '4625' }],
      no: [{ a: 46250 }, { a: '04625' }],
    },
    {
      name: 'text that looks like a number equals the number',
      selection: "a: '4625'",
      yes: [{ a: 4625 }, { a: '4625' }],
      no: [{ a: 4626 }],
    },
    {
      name: 'a number equals the text it was written as',
      selection: 'a: 0x1F',
      yes: [{ a: 31 }, { a: '0x1f' }, { a: '31' }],
      no: [{ a: '1F' }],
    },
    {
      name: 'a fraction equals its shortest and its written text',
      selection: 'a: 1.50',
      yes: [{ a: 1.5 }, { a: '1.5' }, { a: '1.50' }],
      no: [{ a: '1.500' }],
    },
    {
      name: 'booleans compare as text',
      selection: 'a: true',
      yes: [{ a: true }, { a: 'True' }],
      no: [{ a: false }, { a: 1 }],
    },
    {
      name: 'a list in an event matches when any element does',
      selection: 'a: x',
      yes: [{ a: ['w', 'x'] }, { a: [['x']] }],
      no: [{ a: ['w'] }, { a: [] }],
    },
    {
      name: 'the empty string matches only itself',
      selection: "a: ''",
      yes: [{ a: '' }],
      no: [{ a: ' ' }, {}, { a: null }],
    },
    {
      name: 'null matches an absent or null field',
      selection: 'a: null',
      yes: [{}, { a: null }],
      no: [{ a: '' }, { a: 0 }, { a: 'null' }],
    },
    { name: 'a key without a value is null', selection: 'a:', yes: [{}], no: [{ a: 'x' }] },
    {
      name: 'an object is no value',
      selection: "a: '*'",
      yes: [{ a: 'x' }, { a: 0 }, { a: '' }],
      no: [{ a: { b: 1 } }, {}, { a: null }, { a: [] }],
    },
    {
      name: 'nested and dotted fields are one',
      selection: 'a.b: x',
      yes: [{ a: { b: 'x' } }, { 'a.b': 'x' }],
      no: [{ b: 'x' }, { a: 'x' }],
    },
    {
      name: 'a dotted key wins over a nested one',
      selection: 'a.b: x',
      yes: [{ 'a.b': 'x', a: { b: 'y' } }],
      no: [{ 'a.b': 'y', a: { b: 'x' } }],
    },
    {
      name: 'many values are one look-up with the same answers',
      selection: 'a: [One, TWO, 3, vier, cinq*]',
      yes: [{ a: 'one' }, { a: 'two' }, { a: 3 }, { a: 'VIER' }, { a: 'cinquante' }],
      no: [{ a: 'six' }, { a: 4 }],
    },
  ]);
});

describe('wildcards and escapes', () => {
  table([
    {
      name: '* is any run, also none',
      selection: 'a: x*z',
      yes: [{ a: 'xz' }, { a: 'xyyz' }],
      no: [{ a: 'xzy' }, { a: 'axz' }],
    },
    {
      name: '? is one character',
      selection: 'a: x?z',
      yes: [{ a: 'xyz' }, { a: 'x😀z' }],
      no: [{ a: 'xz' }, { a: 'xyyz' }],
    },
    {
      name: 'several wildcards',
      selection: 'a: "*b?d*f*"',
      yes: [{ a: 'bcdf' }, { a: 'abcdeXfg' }, { a: 'bbcdbxdf' }],
      no: [{ a: 'bcd' }, { a: 'fbcd' }],
    },
    {
      name: 'a tail with a one-character wildcard',
      selection: 'a: "*b?"',
      yes: [{ a: 'bb' }, { a: 'abbb' }],
      no: [{ a: 'b' }, { a: 'bcc' }],
    },
    {
      name: 'head and tail do not overlap',
      selection: 'a: ab*ba',
      yes: [{ a: 'abba' }, { a: 'ababa' }],
      no: [{ a: 'aba' }],
    },
    {
      name: 'one backslash is literal',
      selection: "a: 'a\\b'",
      yes: [{ a: 'a\\b' }],
      no: [{ a: 'ab' }, { a: 'a\\\\b' }],
    },
    {
      name: 'two backslashes are one',
      selection: "a: 'a\\\\b'",
      yes: [{ a: 'a\\b' }],
      no: [{ a: 'a\\\\b' }],
    },
    {
      name: 'three or four backslashes are two',
      selection: "a: ['x\\\\\\b', 'y\\\\\\\\b']",
      yes: [{ a: 'x\\\\b' }, { a: 'y\\\\b' }],
      no: [{ a: 'x\\b' }],
    },
    {
      name: 'an escaped star is literal',
      selection: "a: 'a\\*b'",
      yes: [{ a: 'a*b' }],
      no: [{ a: 'axb' }, { a: 'a\\*b' }],
    },
    {
      name: 'an escaped question mark is literal',
      selection: "a: 'a\\?b'",
      yes: [{ a: 'a?b' }],
      no: [{ a: 'axb' }],
    },
    {
      name: 'two backslashes and a star: a backslash, then anything',
      selection: "a: 'a\\\\*b'",
      yes: [{ a: 'a\\b' }, { a: 'a\\xyb' }],
      no: [{ a: 'a*b' }, { a: 'axb' }],
    },
    {
      name: 'three backslashes and a star: both literal',
      selection: "a: 'a\\\\\\*b'",
      yes: [{ a: 'a\\*b' }],
      no: [{ a: 'a\\xb' }],
    },
    { name: 'a trailing backslash is literal', selection: "a: 'a\\'", yes: [{ a: 'a\\' }], no: [{ a: 'a' }] },
  ]);
});

describe('modifiers', () => {
  table([
    { name: 'contains', selection: 'a|contains: bc', yes: [{ a: 'aBCd' }, { a: 'bc' }], no: [{ a: 'b c' }] },
    { name: 'startswith', selection: 'a|startswith: ab', yes: [{ a: 'ABc' }], no: [{ a: 'cab' }] },
    { name: 'endswith', selection: 'a|endswith: bc', yes: [{ a: 'abc' }], no: [{ a: 'bca' }] },
    {
      name: 'contains on numbers',
      selection: 'a|contains: 62',
      yes: [{ a: 4625 }, { a: 'x62' }],
      no: [{ a: 26 }],
    },
    {
      name: 'startswith on a number with zeros in front, in both its texts',
      selection: 'a|startswith: 0033',
      yes: [{ a: '0033612345678' }, { a: 33612345678 }],
      no: [{ a: '+33612345678' }],
    },
    {
      name: 'cased on a number that is written in another way, in both its texts',
      selection: 'a|cased: [007, 1.0]',
      yes: [{ a: '007' }, { a: 7 }, { a: 1 }, { a: '1.0' }],
      no: [{ a: '07' }, { a: '1.00' }],
    },
    {
      name: 'contains keeps wildcards inside',
      selection: 'a|contains: b*d',
      yes: [{ a: 'abcde' }],
      no: [{ a: 'adcbe' }],
    },
    {
      name: 'all needs every value',
      selection: 'a|contains|all: [x, y]',
      yes: [{ a: 'yx' }],
      no: [{ a: 'x' }],
    },
    {
      name: 'all over a list of elements may use different ones',
      selection: 'a|all: [x, y]',
      yes: [{ a: ['x', 'y'] }],
      no: [{ a: ['x'] }],
    },
    { name: 'cased', selection: 'a|cased: Ab', yes: [{ a: 'Ab' }], no: [{ a: 'ab' }, { a: 'AB' }] },
    {
      name: 'cased after contains',
      selection: 'a|contains|cased: Ab',
      yes: [{ a: 'xAbx' }],
      no: [{ a: 'xabx' }],
    },
    {
      name: 'neq matches other values and absence',
      selection: 'a|neq: x',
      yes: [{ a: 'y' }, {}, { a: null }],
      no: [{ a: 'X' }, { a: ['x', 'y'] }],
    },
    {
      name: 'neq of a list is none of them',
      selection: 'a|neq: [x, 1]',
      yes: [{ a: 'y' }],
      no: [{ a: 'x' }, { a: 1 }],
    },
    {
      name: 'neq null is present and not null',
      selection: 'a|neq: null',
      yes: [{ a: '' }],
      no: [{ a: null }, {}],
    },
    {
      name: 'neq with another modifier',
      selection: 'a|endswith|neq: x',
      yes: [{ a: 'xy' }],
      no: [{ a: 'yx' }],
    },
    {
      name: 'exists: true tests the key only',
      selection: 'a|exists: true',
      yes: [{ a: '' }, { a: null }, { a: [] }, { a: {} }],
      no: [{}],
    },
    { name: 'exists: false', selection: 'a|exists: false', yes: [{}], no: [{ a: null }] },
    {
      name: 'windash takes any dash for any dash',
      selection: "a|windash|contains: ' -n x'",
      yes: [
        { a: 'ping /n x' },
        { a: 'ping –n x' },
        { a: 'ping —n x' },
        { a: 'ping ―n x' },
        { a: 'ping -n x' },
      ],
      no: [{ a: 'ping +n x' }],
    },
    {
      name: 'windash goes the other way too',
      selection: "a|contains|windash: ' /n '",
      yes: [{ a: 'ping -n 1' }],
      no: [{ a: 'ping n 1' }],
    },
    {
      name: 'windash leaves dashes inside words alone',
      selection: "a|windash: '-par-am'",
      yes: [{ a: '/par-am' }],
      no: [{ a: '-par/am' }],
    },
    {
      name: 'windash stays ORed under all',
      selection: "a|windash|contains|all: ['-a', '-b']",
      yes: [{ a: '/a —b' }],
      no: [{ a: '-a' }],
    },
    {
      name: 're is found anywhere and case-sensitive',
      selection: 'a|re: b\\d+',
      yes: [{ a: 'ab12c' }],
      no: [{ a: 'aB12' }, { a: 'b' }],
    },
    { name: 're with the flag i', selection: 'a|re|i: B\\d', yes: [{ a: 'ab1' }], no: [{ a: 'b' }] },
    {
      name: 're with the long names of flags',
      selection: 'a|re|ignorecase|multiline|dotall: ^B.c',
      yes: [{ a: 'x\nb\nc' }],
      no: [{ a: 'xb\nc' }],
    },
    {
      name: 're without m and s',
      selection: 'a|re: ^b.c',
      yes: [{ a: 'bxc' }],
      no: [{ a: 'x\nbxc' }, { a: 'b\nc' }],
    },
    {
      name: 're with an inline flag',
      selection: "a|re: '(?i)^abc'",
      yes: [{ a: 'ABCd' }],
      no: [{ a: 'xabc' }],
    },
    {
      name: 're with look-ahead',
      selection: "a|re: '^(?!10\\.|192\\.168\\.)\\d+'",
      yes: [{ a: '8.8.8.8' }],
      no: [{ a: '10.1.1.1' }, { a: '192.168.0.1' }],
    },
    {
      name: 're keeps its backslashes',
      selection: "a|re: 'C:\\\\\\\\x'",
      yes: [{ a: 'C:\\\\x' }],
      no: [{ a: 'C:\\x' }],
    },
    { name: 're on numbers', selection: 'a|re: ^4\\d+$', yes: [{ a: 42 }], no: [{ a: 24 }] },
    { name: 're with all', selection: 'a|re|all: [x+, y+]', yes: [{ a: 'xy' }], no: [{ a: 'x' }] },
    {
      name: 're with startswith is anchored',
      selection: 'a|re|startswith: b|c',
      yes: [{ a: 'bx' }, { a: 'cx' }],
      no: [{ a: 'xc' }],
    },
    {
      name: 'lt, lte, gt, gte',
      selection: 'a|gt: 1\nb|gte: 2\nc|lt: 3\nd|lte: 4',
      yes: [{ a: 1.5, b: 2, c: -3, d: '4.0' }],
      no: [{ a: 1, b: 2, c: 0, d: 4 }, { a: 2, b: 2, c: 3, d: 4 }, {}],
    },
    {
      name: 'comparisons take numeric text only',
      selection: 'a|gte: 2',
      yes: [{ a: '10' }, { a: ' 2e1 ' }, { a: [1, 3] }],
      no: [{ a: 'ten' }, { a: '' }, { a: true }, { a: null }, { a: '0x10' }],
    },
    {
      name: 'base64 is the whole value and case-sensitive',
      selection: 'a|base64: foobar',
      yes: [{ a: 'Zm9vYmFy' }],
      no: [{ a: 'zm9vymfy' }, { a: 'xZm9vYmFy' }],
    },
    {
      name: 'base64offset finds all three shifts',
      selection: 'a|base64offset|contains: /bin/sh',
      yes: ['', 'x', 'xy'].map((before) => ({ a: Buffer.from(`${before}/bin/sh -c`).toString('base64') })),
      no: [{ a: Buffer.from('/bin/zsh').toString('base64') }],
    },
    {
      name: 'wide before base64offset',
      selection: 'a|wide|base64offset|contains: ping',
      yes: [
        { a: Buffer.from('a ping b', 'utf16le').toString('base64') },
        { a: Buffer.from('ab ping', 'utf16le').toString('base64') },
      ],
      no: [{ a: Buffer.from('ping').toString('base64') }],
    },
    {
      name: 'utf16le before base64',
      selection: 'a|utf16le|base64: é1',
      yes: [{ a: Buffer.from('é1', 'utf16le').toString('base64') }],
      no: [{ a: Buffer.from('é1').toString('base64') }],
    },
    {
      name: 'utf16be before base64',
      selection: 'a|utf16be|base64: hi',
      yes: [{ a: Buffer.from([0, 104, 0, 105]).toString('base64') }],
      no: [{ a: 'aABpAA==' }],
    },
    {
      name: 'utf16 has a byte order mark',
      selection: 'a|utf16|base64: hi',
      yes: [{ a: Buffer.from([0xff, 0xfe, 104, 0, 105, 0]).toString('base64') }],
      no: [{ a: 'aABpAA==' }],
    },
    {
      name: 'non-ASCII under base64 is UTF-8',
      selection: 'a|base64: é',
      yes: [{ a: 'w6k=' }],
      no: [{ a: '6Q==' }],
    },
    {
      name: 'windash before base64 spells the dashes out',
      selection: "a|windash|base64: '-x'",
      yes: ['-x', '/x', '—x'].map((text) => ({ a: Buffer.from(text).toString('base64') })),
      no: [{ a: Buffer.from('+x').toString('base64') }],
    },
    {
      name: 'cidr of IPv4',
      selection: 'a|cidr: 10.1.0.0/16',
      yes: [{ a: '10.1.255.0' }, { a: ['::1', '10.1.0.1'] }, { a: '::ffff:10.1.2.3' }],
      no: [{ a: '10.2.0.0' }, { a: '10.1.0' }, { a: '10.1.0.01' }, { a: '::10.1.2.3' }, { a: 'x' }, {}],
    },
    {
      name: 'cidr of IPv6',
      selection: 'a|cidr: 2001:db8::/33',
      yes: [{ a: '2001:DB8:7fff::1' }, { a: '2001:db8::1%eth0' }],
      no: [{ a: '2001:db8:8000::' }, { a: '2001:db8' }, { a: '32.1.13.184' }],
    },
    {
      name: 'cidr of all addresses of a family',
      selection: 'a|cidr: 0.0.0.0/0',
      yes: [{ a: '1.2.3.4' }],
      no: [{ a: '2001:db8::1' }],
    },
    {
      name: 'cidr of a single address, and lists',
      selection: "a|cidr: ['192.0.2.1', '::1/128', 'fe80::/10']",
      yes: [{ a: '192.0.2.1' }, { a: '0:0::1' }, { a: 'febf::' }],
      no: [{ a: '192.0.2.2' }, { a: '::2' }, { a: 'fec0::' }],
    },
    {
      name: 'fieldref compares two fields, ignoring letter case',
      selection: 'a|fieldref: b.c',
      yes: [
        { a: 'X', b: { c: 'x' } },
        { a: 1, b: { c: '1' } },
        { a: ['p', 'q'], b: { c: ['q', 'r'] } },
      ],
      no: [{ a: 'x', b: { c: 'y' } }, { a: 'x' }, {}, { a: null, b: { c: null } }],
    },
    {
      name: 'fieldref|neq',
      selection: 'a|fieldref|neq: b',
      yes: [{ a: 'x', b: 'y' }, { a: 'x' }],
      no: [{ a: 'x', b: 'x' }],
    },
    {
      name: 'fieldref|startswith',
      selection: 'a|fieldref|startswith: b',
      yes: [{ a: 'xyz', b: 'xy' }],
      no: [
        { a: 'xy', b: 'xyz' },
        { a: 'yx', b: 'x' },
      ],
    },
    {
      name: 'fieldref|endswith',
      selection: 'a|fieldref|endswith: b',
      yes: [{ a: 'xyz', b: 'YZ' }],
      no: [{ a: 'xyz', b: 'xy' }],
    },
    {
      name: 'fieldref|contains',
      selection: 'a|fieldref|contains: b',
      yes: [{ a: 'xyz', b: 'y' }],
      no: [{ a: 'y', b: 'xyz' }],
    },
    {
      name: 'fieldref knows no wildcards in values',
      selection: 'a|fieldref: b',
      yes: [{ a: '*', b: '*' }],
      no: [{ a: 'x', b: '*' }],
    },
    {
      name: 'hour in UTC',
      selection: 't|hour: 21',
      yes: [{ t: '2025-07-12T21:04:11Z' }, { t: '2025-07-12T23:04:11+02:00' }],
      no: [{ t: '2025-07-12T20:59:59Z' }, { t: 'x' }, {}],
    },
    {
      name: 'time parts with comparisons in either order',
      selection: 't|hour|gte: 19\nu|lt|hour: 7',
      yes: [{ t: '2025-07-12T19:00:00Z', u: '2025-07-12T06:59:59Z' }],
      no: [{ t: '2025-07-12T18:00:00Z', u: '2025-07-12T06:59:59Z' }],
    },
    {
      name: 'minute, day, month, year',
      selection: 't|minute: 4\nu|day: 12\nv|month: 7\nw|year: 2025',
      yes: [
        { t: '2025-07-12T21:04:11Z', u: '2025-07-12T21:04:11Z', v: '2025-07-12T21:04:11Z', w: 1752354251000 },
      ],
      no: [{ t: '2025-07-12T21:04:11Z' }],
    },
    {
      name: 'week is the ISO week',
      selection: 't|week: 53',
      yes: [{ t: '2021-01-03T23:59:59Z' }, { t: '2020-12-28T00:00:00Z' }],
      no: [{ t: '2021-01-04T00:00:00Z' }, { t: '2020-12-27T00:00:00Z' }],
    },
  ]);
});

describe('keywords', () => {
  table([
    {
      name: 'are substrings of any value, in any letter case',
      selection: '- mimi\n- 4625',
      yes: [{ a: { b: ['xMIMIx'] } }, { n: 46250 }, { a: 'mimi' }],
      no: [{ mimi: 'x' }, { a: 'mim' }, {}],
    },
    { name: 'take wildcards', selection: '- a*c', yes: [{ x: 'zabbcz' }], no: [{ x: 'ca' }] },
    {
      name: 'all of them may stand in different fields',
      selection: "'|all':\n  - one\n  - two",
      yes: [{ a: 'xonex', b: 'two' }, { a: 'one two' }],
      no: [{ a: 'one' }],
    },
    { name: 'take other modifiers', selection: "'|re': ^b\\d$", yes: [{ a: ['b1'] }], no: [{ a: 'xb1' }] },
    { name: 'a lone value is a keyword', selection: 'needle', yes: [{ a: 'a needle' }], no: [{ needle: 1 }] },
    {
      name: 'mix with maps in one list',
      selection: '- word\n- a: 1',
      yes: [{ b: 'words' }, { a: 1 }],
      no: [{ a: 2 }],
    },
  ]);
});

describe('placeholders', () => {
  const options = {
    placeholders: {
      admins: ['root', 'adm_*'],
      net: ['10.0.0.0/8', '192.168.0.0/16'],
      sep: ['-', '_'],
      meta: ['a.b'],
    },
  };
  test.each([
    ['one value each', "a|expand: '%admins%'", { a: 'ROOT' }, true],
    ['with their wildcards', "a|expand: '%admins%'", { a: 'adm_7' }, true],
    ['and nothing else', "a|expand: '%admins%'", { a: 'user' }, false],
    ['inside text, all combinations', "a|expand: 'x%sep%%admins%!'", { a: 'x_root!' }, true],
    ['under contains', "a|contains|expand: '%sep%'", { a: 'p_q' }, true],
    ['as networks', "a|cidr|expand: '%net%'", { a: '192.168.7.7' }, true],
    ['literally inside a regex', "a|re|expand: '^%meta%$'", { a: 'axb' }, false],
    ['literally inside a regex, found', "a|re|expand: '^%meta%$'", { a: 'a.b' }, true],
    ['an escaped percent sign is literal', "a|expand: '\\%admins\\%'", { a: '%admins%' }, true],
    ['a lone percent sign is literal', "a|expand: '50%'", { a: '50%' }, true],
    ['without expand they are text', "a: '%admins%'", { a: '%ADMINS%' }, true],
  ])('%s', (_name, selection, event, expected) => {
    expect(selects(selection, event, options)).toBe(expected);
  });
});

describe('conditions', () => {
  const three = 'sel_a: {a: 1}\nsel_b: {b: 1}\n_hidden: {c: 1}\nother: {d: 1}\n';
  test.each([
    ['not binds tighter than and', 'not sel_a and sel_b', { b: 1 }, true],
    ['not binds tighter than and, other side', 'not sel_a and sel_b', {}, false],
    ['and binds tighter than or', 'sel_a or sel_b and other', { a: 1 }, true],
    ['parentheses', '(sel_a or sel_b) and other', { a: 1 }, false],
    ['upper-case keywords', 'sel_a AND NOT sel_b', { a: 1 }, true],
    ['1 of a pattern', '1 of sel_*', { b: 1 }, true],
    ['any of a pattern', 'any of sel*', { b: 1 }, true],
    ['all of a pattern', 'all of sel_*', { a: 1 }, false],
    ['all of a pattern, fulfilled', 'all of sel_*', { a: 1, b: 1 }, true],
    ['a star anywhere in the pattern', '1 of *_b', { b: 1 }, true],
    ['them leaves out names with _', 'all of them', { a: 1, b: 1, d: 1 }, true],
    ['a pattern with _ finds them', '1 of _*', { c: 1 }, true],
    ['a pattern without a star', '1 of other', { d: 1 }, true],
    ['not with a quantifier', 'sel_a and not 1 of o*', { a: 1, d: 1 }, false],
    ['a list of conditions is ORed', '[sel_a, other]', { d: 1 }, true],
    ['double negation', 'not not sel_a', { a: 1 }, true],
  ])('%s: %s', (_name, condition, event, expected) => {
    expect(fires(`${three}condition: ${condition}`, event)).toBe(expected);
  });

  test('selections may be called like keywords when no quantifier follows', () => {
    expect(fires('all: {a: 1}\nany: {b: 1}\ncondition: all and any', { a: 1, b: 1 })).toBe(true);
  });
});

test('time parts follow vigie.timezone, summer time included', () => {
  const detection = 'sel: {t|hour: 23}\ncondition: sel';
  const root = 'vigie.timezone: Europe/Paris\n';
  expect(fires(detection, { t: '2025-07-12T21:04:11Z' }, root)).toBe(true);
  expect(fires(detection, { t: '2025-01-12T22:04:11Z' }, root)).toBe(true);
  expect(fires(detection, { t: '2025-01-12T21:04:11Z' }, root)).toBe(false);
  expect(
    fires(
      'sel: {t|minute: 45}\ncondition: sel',
      { t: '2025-07-12T00:00:00Z' },
      'vigie.timezone: Asia/Kathmandu\n',
    ),
  ).toBe(true);
});

test('pseudonyms behave like the list of their texts', () => {
  const event = { portal: { records: { ids: ['A1', 'B2'] } } };
  expect(selects("portal.records.ids|re: '^[0-9a-f]{16}$'", event)).toBe(true);
  expect(selects('portal.records.ids: A1', event)).toBe(false);
  expect(selects('- A1', event)).toBe(false);
});
