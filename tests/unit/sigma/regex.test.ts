import { describe, expect, test } from 'vitest';
import { backtrackingHazard, compileRegex } from '../../../src/sigma/regex.ts';
import { buildMachine } from '../../../src/sigma/regex-machine.ts';
import { estimatedSize } from '../../../src/sigma/regex-size.ts';
import { parseRegex } from '../../../src/sigma/regex-syntax.ts';
import { Random } from '../../fuzz/random.ts';

const SEED = Number(process.env['REGEX_SEED'] ?? 20_251_125);
const RUNS = Number(process.env['REGEX_RUNS'] ?? 1_500);

function found(source: string, text: string, flags = ''): boolean {
  const compiled = compileRegex(source, flags);
  if (compiled.engine === 'none') throw new Error(`${source}: ${compiled.reason}`);
  return compiled.test(text);
}

/** Expressions that JavaScript and RE2 read alike, over few letters so that texts fit them. */
function randomExpression(random: Random, depth: number): string {
  const inner = (): string => randomExpression(random, depth - 1);
  const atoms = [
    'a',
    'b',
    'c',
    'ab',
    '.',
    '[ab]',
    '[^a]',
    '\\w',
    '\\W',
    '\\d',
    '^',
    '$',
    '\\b',
    '\\B',
    '-',
    'é',
  ];
  if (depth === 0) return random.pick(atoms);
  switch (random.below(9)) {
    case 0:
      return `(?${random.pick(['=', '!', '<=', '<!'])}${inner()})`;
    case 1:
      return `(?:${inner()})${random.pick(['*', '+', '?', '{2}', '{1,3}', '{2,}', '*?', '+?'])}`;
    case 2:
      return `(?:${inner()}|${inner()})`;
    case 3:
      return `(${inner()}|${inner()}|)`;
    case 4:
      return random.pick(atoms);
    default:
      return inner() + inner();
  }
}

/** Counted repeats of counted repeats, such as `(?:ab{2,9}|[ab]){3}`. */
function counted(random: Random, depth: number): string {
  if (depth === 0)
    return random.pick(['a', 'b', '[ab]', '[^]a]', '\\w', '\\pL', '\\.', '[\\]]', 'ab', '.*', 'x+', '^a']);
  const inner = (): string => counted(random, depth - 1);
  const count = random.pick(['', '{3}', '{2,9}', '{1,50}', '{4,}', '+', '?']);
  return random.pick([
    () => `(?:${inner()})${count}`,
    () => `(${inner()}|${inner()}b)${count}`,
    () => inner() + inner(),
  ])();
}

test(`an expression that is refused before it is compiled would have been too large (seed ${SEED})`, () => {
  const random = new Random(SEED);
  let large = 0;
  for (let run = 0; run < RUNS; run++) {
    const source = `a{1,20}${counted(random, 4)}`;
    const compiled = compileRegex(source, '');
    if (compiled.engine !== 're2') continue;
    if (compiled.size > 500) large++;
    expect(estimatedSize(source), source).toBeLessThanOrEqual(2 * compiled.size);
    expect(estimatedSize(source), source).toBeGreaterThanOrEqual(compiled.size / 4);
  }
  expect(large).toBeGreaterThan(RUNS / 50);
});

describe('the machine for look-around', () => {
  test(`finds what JavaScript's own engine finds (seed ${SEED})`, () => {
    let hits = 0;
    for (let i = 0; i < RUNS; i++) {
      const random = new Random(SEED + i);
      const start = random.pick(['', '', '^', '^(?!a|b.)', '^(?=.*b)(?!c$)']);
      const source = start + randomExpression(random, 4);
      const flags = random.pick(['', '', 'm', 's', 'ms', 'i']);
      const expected = new RegExp(source, `${flags}u`);
      const machine = buildMachine(parseRegex(source, flags).root, 100_000);
      for (let j = 0; j < 12; j++) {
        const letters = Array.from({ length: random.below(9) }, () =>
          random.pick(['a', 'b', 'c', 'A', '-', '1', '\n', 'é']),
        );
        const text = letters.join('');
        const wanted = expected.test(text);
        if (wanted) hits++;
        const context = `seed ${SEED + i}: /${source}/${flags} on ${JSON.stringify(text)}`;
        expect(machine.test(text), context).toBe(wanted);
        expect(found(source, text, flags), context).toBe(wanted);
      }
    }
    expect(hits / (RUNS * 12)).toBeGreaterThan(0.2);
    expect(hits / (RUNS * 12)).toBeLessThan(0.9);
  }, 600_000);
});

describe('regular expressions', () => {
  test.each([
    '(a+)+',
    '(a|b)*',
    '((a*)b)*',
    '(?:x{2,})+',
    '(a|ab)(c|cd)*',
    '(.*a){3,}',
    '(a{1,3})+',
    '(aa?)+',
    '(a+){9}',
    '(\\(?a)+',
  ])('%s is refused by the backtracking engine', (source) => {
    expect(backtrackingHazard(source)).toBeDefined();
    expect(compileRegex(`(q)\\1${source}`, '')).toMatchObject({ engine: 'none', code: 'UNSAFE_REGEX' });
    expect(compileRegex(source, '')).toMatchObject({ engine: 're2' });
    expect(compileRegex(`${source}(?=x)`, '')).toMatchObject({ engine: 'machine' });
  });

  test.each([
    'a+b+',
    '(ab)+',
    '(a{3}b)+',
    '(?:ab)+',
    'x(?!a)?',
    '[(a+)]+',
    '\\(a+\\)+',
    '(a+)?b',
    '^(?!10\\.|192\\.)',
  ])('%s is harmless', (source) => {
    expect(backtrackingHazard(source)).toBeUndefined();
  });

  test('a back-reference that could try too many ways on one value is refused or sees less of it', () => {
    for (const source of [`(q)\\1${'a?'.repeat(30)}b`, `(q)\\1${'(a|b)'.repeat(30)}c`])
      expect(compileRegex(source, '')).toMatchObject({ engine: 'none', code: 'UNSAFE_REGEX' });
    for (const source of ['(a)\\1.*b', '(a)\\1a*a*b', '^(a)\\1.*a.*a.*b', '(a)\\1(a|aa)a{0,99}b']) {
      const compiled = compileRegex(source, '');
      if (compiled.engine !== 'javascript') throw new Error(`${source} runs on ${compiled.engine}`);
      expect(compiled.test('a'.repeat(20_000))).toBe(false);
      expect(compiled.test(`${'a'.repeat(60)}b`)).toBe(true);
    }
  });

  test('a look-around takes any number of repeats, also nested ones, in linear time', () => {
    const program = String.raw`^(?!.*\\(program files|windows)\\).*\\[a-z]{6,8}\.exe\s+-[a-z]+.*$`;
    expect(found(program, String.raw`C:\Users\a\abcdefg.exe -run now`)).toBe(true);
    expect(found(program, String.raw`C:\windows\abcdefg.exe -run now`)).toBe(false);
    const long = 'a'.repeat(100_000);
    expect(found('(?=a)(a+)+b', long)).toBe(false);
    expect(found('(?!z).*a.*a.*a.*a.*b', long)).toBe(false);
    expect(found('(?=(a|a?)+$)^(?!(a*)*b)', long)).toBe(true);
    expect(found('(?<!b)(?<=a)c', `${long}c`)).toBe(true);
  });

  test.each([
    [String.raw`(?=a)\Aab\z`, ['ab'], ['xab', 'ab\n']],
    [String.raw`foo\Z`, ['foo', 'foo\n'], ['foo\n\n', 'foox']],
    [String.raw`(?<!\p{L})\"\_x\-y\"`, ['"_x-y"'], ['é"_x-y"']],
    [String.raw`(?!x)[\-A-Z]`, ['-', 'B'], ['b']],
    [String.raw`(?!x)[[:alpha:]\]]!`, ['b!', ']!'], [':!', '[!']],
    ['(?i)(?!B)[a-c]', ['A', 'c'], ['B', 'b']],
    ['(?!x)a(?i)b(?-i)c', ['abc', 'aBc'], ['Abc', 'abC']],
    ['(?!x)(?i:a)b', ['Ab'], ['aB']],
    ['(?!x)(?s).b', ['\nb'], ['b']],
    ['(?!x).b', ['\rb', '\u2028b', '\ud835\udcb3b'], ['\nb', 'b']],
    ['(?m)^(?!#)b$', ['a\nb\nc'], ['a\rb\rc']],
    [String.raw`(?!x)^\S$`, ['\v', '\u00a0', '\ud835\udcb3'], [' ', '\t', 'ab']],
    [String.raw`(?<q>a)(?P<p>b)(?#note)(?!c)`, ['ab', 'abd'], ['abc']],
    [String.raw`(?!x)\Qa.b\E`, ['a.b'], ['axb']],
    [String.raw`^x(?=a)\Qab\E+$`, ['xab', 'xabbb'], ['xa', 'xabab']],
    [String.raw`^x(?=a)\Qab.\E{2}\Q\E$`, ['xab..'], ['xab.', 'xab.ab.']],
    [String.raw`\u200b|[\u200c\u2060]`, ['\u200b', '\u2060'], ['u200b']],
    [String.raw`^\w{2,1200}\h\x41\e$`, [`${'w'.repeat(1200)} A\u001b`], [`${'w'.repeat(1201)} A\u001b`]],
    [String.raw`(?!x)a{,2}{`, ['a{,2}{'], ['aa']],
  ])('%s means what it means to RE2', (source, yes, no) => {
    for (const text of yes) expect(found(source, text), text).toBe(true);
    for (const text of no) expect(found(source, text), text).toBe(false);
  });

  test.each([
    [String.raw`(?P<q>['"])x(?P=q)`, ['"x"'], [`"x'`]],
    [String.raw`(.)(.)\2\1`, ['abba'], ['abab']],
  ])('%s runs on the JavaScript engine', (source, yes, no) => {
    expect(compileRegex(source, '')).toMatchObject({ engine: 'javascript' });
    for (const text of yes) expect(found(source, text), text).toBe(true);
    for (const text of no) expect(found(source, text), text).toBe(false);
  });

  test.each([
    [String.raw`(?=a)\Ga`, String.raw`"\G" is no known escape`],
    [String.raw`(?!a)[\A]`, 'stands for no character'],
    [String.raw`(?!a)\p{Nonsense}`, 'stands for no character'],
    ['(?!a)b++', '"++" never gives back what it took'],
    ['(?>a)', '"(?>a" is no group'],
    ['(?!a', 'a ( without its )'],
    ['(?!a))', 'a ) without its ('],
    ['(?!a)[b', 'a [ without its ]'],
    ['(?!a)*?+', 'another repeat'],
    ['(?!a)|*', '"*" has nothing to repeat'],
    ['(?!a)b{3,2}', 'wrong order'],
    ['(x', 'a ( without its )'],
    ['(x)\\1(', 'Unterminated group'],
    ['(x)[(]\\(\\2', '"\\2" refers to a group that is not there'],
    ['(x)\\1\\G', 'an escape that is not known'],
    ['(?!a)\\', 'ends with a backslash'],
    [`(?!a)${'('.repeat(1_000)}${')'.repeat(1_000)}`, 'nested too deep'],
  ])('%s is refused with its reason', (source, reason) => {
    expect(compileRegex(source, '')).toMatchObject({
      engine: 'none',
      code: 'BAD_REGEX',
      reason: expect.stringContaining(reason) as string,
    });
  });

  test('whatever the machine takes looks at 8 KiB or more of a value', () => {
    expect(compileRegex(`x{3500}(?!a)`, '')).toSatisfy(
      (compiled: ReturnType<typeof compileRegex>) =>
        compiled.engine === 'machine' && compiled.searched >= 8_192,
    );
    expect(compileRegex(`x{3700}(?!a)`, '')).toMatchObject({ engine: 'none', code: 'UNSAFE_REGEX' });
  });

  test('repeats of nothing cost no time', () => {
    expect(compileRegex(`(?!a)${'('.repeat(9)}${'){9999}'.repeat(9)}`, '')).toMatchObject({
      engine: 'none',
      code: 'UNSAFE_REGEX',
    });
  });

  test('a back-reference only sees the first 8 KiB', () => {
    const compiled = compileRegex('(x)\\1needle', '');
    if (compiled.engine !== 'javascript') throw new Error(compiled.engine);
    expect(compiled.test(`${'-'.repeat(8_000)}xxneedle`)).toBe(true);
    expect(compiled.test(`${'-'.repeat(9_000)}xxneedle`)).toBe(false);
  });

  test('an expression that would hang a backtracking engine does not', () => {
    const compiled = compileRegex('^(a|a?)+$', '');
    if (compiled.engine === 'none') throw new Error(compiled.reason);
    expect(compiled.test(`${'a'.repeat(5_000)}b`)).toBe(false);
  });
});
