import { ClickHouseError } from '@clickhouse/client';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { VigieError } from '../../../src/errors.ts';
import { clickHouseFailure, withoutRows } from '../../../src/sink/classify.ts';

const server = (code: string, type: string): Error => new ClickHouseError({ code, type, message: 'no' });
const errno = (code: string): Error => Object.assign(new Error(`connect ${code}`), { code });

describe('what a failure of ClickHouse means', () => {
  test.each([
    ['a refused connection', errno('ECONNREFUSED'), 'CLICKHOUSE_UNREACHABLE'],
    ['a reset connection', errno('ECONNRESET'), 'CLICKHOUSE_UNREACHABLE'],
    ['a name that does not resolve yet', errno('ENOTFOUND'), 'CLICKHOUSE_UNREACHABLE'],
    [
      'several addresses that all refuse',
      new AggregateError([errno('ECONNREFUSED'), errno('ENETUNREACH')]),
      'CLICKHOUSE_UNREACHABLE',
    ],
    ["the client's timeout", new Error('Timeout error.'), 'CLICKHOUSE_TIMEOUT'],
    ["a proxy's error page", new Error('<html>502 Bad Gateway</html>'), 'CLICKHOUSE_UNREADABLE_ANSWER'],
    ['more headers than are read', errno('HPE_HEADER_OVERFLOW'), 'CLICKHOUSE_UNREADABLE_ANSWER'],
    [
      'an answer that was not waited for any longer',
      Object.assign(new Error('The operation was aborted'), { name: 'AbortError', code: 'ABORT_ERR' }),
      'CLICKHOUSE_TIMEOUT',
    ],
    ['too many parts', server('252', 'TOO_MANY_PARTS'), 'CLICKHOUSE_BUSY'],
    ['too little memory', server('241', 'MEMORY_LIMIT_EXCEEDED'), 'CLICKHOUSE_BUSY'],
    ['a lost coordinator', server('999', 'KEEPER_EXCEPTION'), 'CLICKHOUSE_BUSY'],
    ['a disk of the server that fails', server('75', 'CANNOT_WRITE_TO_FILE_DESCRIPTOR'), 'CLICKHOUSE_BUSY'],
    ['what connections of the server fail with', server('1000', 'POCO_EXCEPTION'), 'CLICKHOUSE_BUSY'],
    ['a cluster whose replicas are all away', server('254', 'NO_ACTIVE_REPLICAS'), 'CLICKHOUSE_BUSY'],
    ['a server that loads its tables', server('722', 'ASYNC_LOAD_WAIT_FAILED'), 'CLICKHOUSE_BUSY'],
    ['no room as a code of the server', server('243', 'NOT_ENOUGH_SPACE'), 'CLICKHOUSE_DISK_FULL'],
    ['a full disk as errno', errno('ENOSPC'), 'CLICKHOUSE_DISK_FULL'],
    [
      'a full disk in the words of the engine',
      Object.assign(new Error('Cannot write: errno: 28, strerror: No space left on device'), { code: '75' }),
      'CLICKHOUSE_DISK_FULL',
    ],
  ])('%s may pass: it is tried again', (_what, thrown, code) => {
    expect(clickHouseFailure(thrown, 'writing')).toMatchObject({ retryable: true, code });
  });

  test.each([
    [
      'a wrong password',
      server('516', 'AUTHENTICATION_FAILED'),
      'CLICKHOUSE_AUTH_FAILED',
      /CLICKHOUSE_PASSWORD/,
    ],
    ['a user whose time is up', server('720', 'USER_EXPIRED'), 'CLICKHOUSE_AUTH_FAILED', /CLICKHOUSE_USER/],
    ["a limit of the user's profile", server('307', 'TOO_MANY_BYTES'), 'CLICKHOUSE_LIMIT', /profile/],
    ['a missing right', server('497', 'ACCESS_DENIED'), 'CLICKHOUSE_FORBIDDEN', /Grant/],
    [
      'a profile that forbids a setting',
      server('452', 'SETTING_CONSTRAINT_VIOLATION'),
      'CLICKHOUSE_FORBIDDEN',
      /storage\.md/,
    ],
    ['a missing table', server('60', 'UNKNOWN_TABLE'), 'CLICKHOUSE_SCHEMA', /CLICKHOUSE_DATABASE/],
    ['an unknown certificate', errno('DEPTH_ZERO_SELF_SIGNED_CERT'), 'CLICKHOUSE_TLS', /certificate/],
    ['a statement that is refused', server('62', 'SYNTAX_ERROR'), 'CLICKHOUSE_REFUSED', /defect/],
    ['a defect of this program', new TypeError('x is undefined'), 'CLICKHOUSE_FAILED', /defect/],
  ])('%s stays until somebody repairs it, and the error says how', (_what, thrown, code, remedy) => {
    const failure = clickHouseFailure(thrown, 'writing');
    expect(failure).toMatchObject({ retryable: false, code });
    expect(failure.remedy).toMatch(remedy);
  });

  test('of rows that an insert fails of nothing is told; what a question fails of is told as it is', () => {
    const message =
      'Cannot parse string u-4fb8a5 as UInt8: (while reading the value of key runbook): {"x":"u-4fb8a5"}';
    const thrown = Object.assign(new Error(message), { code: '6', type: 'CANNOT_PARSE_TEXT' });
    expect(clickHouseFailure(withoutRows(thrown), 'writing').message).toBe(
      'writing failed: a value does not fit the column runbook (ClickHouse code 6)',
    );
    expect(clickHouseFailure(thrown, 'hunting').message).toContain('Cannot parse string');
    const other = server('252', 'TOO_MANY_PARTS');
    expect(withoutRows(other)).toBe(other);
  });

  test('a server that answers with trouble of its own, or a spent quota, is not looked for on the network', () => {
    for (const [code, name] of [
      ['201', 'QUOTA_EXCEEDED'],
      ['252', 'TOO_MANY_PARTS'],
    ] as const) {
      const { remedy } = clickHouseFailure(server(code, name), 'writing');
      expect(remedy).toMatch(/log.*quotas of CLICKHOUSE_USER/);
      expect(remedy).not.toContain('reachable');
    }
  });

  test('of what is missing in the database only the name is told, not the statement that asked for it', () => {
    const columns = Array.from({ length: 80 }, (_, i) => `column_${i}`).join(', ');
    const missing = (what: string, code: string, end = ''): string =>
      clickHouseFailure(
        Object.assign(new Error(`${what} in scope SELECT ${columns} FROM vigie.alerts${end}`), { code }),
        'reading alerts',
      ).message;
    expect(missing("Unknown table expression identifier 'vigie.alerts'", '60')).toBe(
      "reading alerts failed: Unknown table expression identifier 'vigie.alerts' (ClickHouse code 60)",
    );
    expect(missing('Unknown expression identifier `titel`', '47', ". Maybe you meant: ['title']")).toBe(
      "reading alerts failed: Unknown expression identifier `titel`. Maybe you meant: ['title'] (ClickHouse code 47)",
    );
    // Whoever reports a defect reports the statement.
    expect(missing('Illegal types', '43')).toContain('column_20');
  });

  test("the embedded engine's own error class is understood like the client's", () => {
    const foreign = Object.assign(new Error('too many'), { code: '252', type: 'TOO_MANY_PARTS' });
    expect(clickHouseFailure(foreign, 'writing')).toMatchObject({ retryable: true, code: 'CLICKHOUSE_BUSY' });
  });

  test('whatever is thrown becomes one error, with a code and a remedy', () => {
    const anything = fc.oneof(
      fc.anything(),
      fc
        .tuple(fc.string(), fc.anything())
        .map(([message, code]) => Object.assign(new Error(message), { code })),
      fc.nat(2000).map((code) => server(String(code), 'X')),
    );
    fc.assert(
      fc.property(anything, (thrown) => {
        const { code, remedy } = clickHouseFailure(thrown, 'writing');
        expect(code).toMatch(/^[A-Z_]+$/);
        expect(remedy).toMatch(/\w/);
      }),
    );
  });

  test('an error that is already ours passes unchanged', () => {
    const ours = new VigieError('MIGRATION_CHANGED', 'x', { remedy: 'y' });
    expect(clickHouseFailure(ours, 'z')).toBe(ours);
  });
});
