import { spawnSync } from 'node:child_process';
import { expect, test } from 'vitest';

const LOGGER = new URL('../../../src/cli/logger.ts', import.meta.url).href;
/** Clears a screen, by an escape of one byte and of two, and turns the direction of writing. */
const NAME = 'kairos\u009b2J\u001b[2J\u202e';

/** What a process writes that logs the name as a field and in its message. */
function logged(before: string, then = ''): string {
  const script = `${before}
    const { createLogger } = await import(${JSON.stringify(LOGGER)});
    const logger = await createLogger('info');
    logger.info({ applications: [${JSON.stringify(NAME)}] }, ${JSON.stringify(`opened: ${NAME}`)});
    ${then}`;
  return spawnSync(process.execPath, ['--input-type=module', '--eval', script], { encoding: 'utf8' }).stderr;
}

test('a log line steers no terminal that it is read on later, and is JSON of the same value', () => {
  const line = logged('');
  expect(line).toMatch(/^[ -~]+\n$/);
  expect(JSON.parse(line)).toMatchObject({ applications: [NAME], msg: `opened: ${NAME}` });
});

test('a log on a terminal keeps the lines of a stack', () => {
  const line = logged(
    'Object.assign(process.stderr, { isTTY: true, cursorTo() {}, clearLine() {} });',
    'logger.error({ err: new Error("boom") }, "it failed");',
  );
  expect(line).not.toContain(String.raw`\u{a}`);
});

test('a log on a terminal shows what would steer it', () => {
  const line = logged('Object.assign(process.stderr, { isTTY: true, cursorTo() {}, clearLine() {} });');
  expect(line).toContain(String.raw`opened: kairos\u{9b}2J\u{1b}[2J\u{202e}`);
  expect(line).not.toMatch(/[\u009b\u202e]/);
  expect(line).not.toContain('\u001b[2J');
});
