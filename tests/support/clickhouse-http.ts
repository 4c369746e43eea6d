/**
 * A stand-in for a ClickHouse server where none can be installed: ClickHouse's HTTP interface, as far as
 * `@clickhouse/client` uses it, over the embedded engine. The real engine executes the SQL; only the transport is
 * imitated. For tests only: one request at a time, no compression, one user.
 *
 * Runs in its own process (the engine takes one folder per process):
 *   node clickhouse-http.ts FOLDER USER PASSWORD [PORT]
 * It prints its port on a line, and ends with its standard input, so it cannot outlive the test.
 */

import { randomUUID } from 'node:crypto';
import { createServer } from 'node:http';
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { Session } from 'chdb';

const [folder, user, password, port = '0'] = process.argv.slice(2);
if (folder === undefined || user === undefined || password === undefined) {
  throw new Error('usage: clickhouse-http.ts FOLDER USER PASSWORD [PORT]');
}

const session = new Session(folder);
const SETTINGS = new Set(lines(session.query('SELECT name FROM system.settings', 'TabSeparated')));
/** Session settings such as query parameters are shared, so requests take turns. */
let turn: Promise<unknown> = Promise.resolve();

const server = createServer((request, response) => {
  turn = turn
    .then(() => answer(request, response))
    .catch((error: unknown) => response.destroy(error as Error));
});
server.listen(Number(port), '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`);
});
process.stdin.resume().on('end', () => {
  server.closeAllConnections();
  server.close();
  void turn.finally(() => {
    session.close();
    process.exit(0);
  });
});

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const url = new URL(request.url ?? '/', 'http://localhost');
  if (url.pathname === '/ping') {
    response.end('Ok.\n');
    return;
  }
  const body = (await buffer(request)).toString('utf8');
  response.setHeader('X-ClickHouse-Query-Id', url.searchParams.get('query_id') ?? randomUUID());
  if (!authorised(request)) {
    fail(response, 403, `Code: 516. DB::Exception: ${user}: Authentication failed. (AUTHENTICATION_FAILED)`);
    return;
  }
  // An INSERT's statement is in the URL and its data in the body; any other statement is the body.
  const statement = [url.searchParams.get('query') ?? '', body].filter((part) => part !== '').join('\n');
  const database = url.searchParams.get('database');
  const preparations = database === null ? [] : [`USE \`${database.replaceAll('`', '``')}\``];
  for (const [name, value] of url.searchParams) {
    if (/^param_\w+$/.test(name)) preparations.push(`SET ${name} = ${sqlText(value)}`);
  }
  try {
    for (const preparation of preparations) await session.queryAsync(preparation);
    const result = await under(settingsOf(url), () => session.queryAsync(statement));
    response.setHeader(
      'X-ClickHouse-Summary',
      JSON.stringify({ read_rows: '0', written_rows: '0', result_rows: String(result.rowsRead) }),
    );
    response.end(result.bytes());
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    fail(response, /\(UNKNOWN_(TABLE|DATABASE)\)/.test(message) ? 404 : 500, message);
  }
}

/** The settings in the request, except those that the session could not undo. */
function settingsOf(url: URL): Map<string, string> {
  return new Map([...url.searchParams].filter(([name]) => SETTINGS.has(name) && name !== 'readonly'));
}

/** As on a server: the settings apply to this statement, and override those of the user's profile. */
async function under<T>(settings: ReadonlyMap<string, string>, work: () => Promise<T>): Promise<T> {
  const names = [...settings.keys()].map(sqlText).join();
  if (names === '') return work();
  const found = await session.queryAsync(
    `SELECT name, value FROM system.settings WHERE name IN (${names}) FORMAT JSONCompactEachRow`,
  );
  const former = lines(found.text()).map((line) => JSON.parse(line) as [string, string]);
  const other = former.filter(([name, value]) => settings.get(name) !== value);
  try {
    for (const [name] of other) await session.queryAsync(`SET ${name} = ${sqlText(settings.get(name)!)}`);
    return await work();
  } finally {
    for (const [name, value] of other) await session.queryAsync(`SET ${name} = ${sqlText(value)}`);
  }
}

function lines(text: string): string[] {
  return text.trimEnd().split('\n');
}

function authorised(request: IncomingMessage): boolean {
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return request.headers.authorization === expected;
}

function fail(response: ServerResponse, status: number, message: string): void {
  response.setHeader('X-ClickHouse-Exception-Code', /Code: (\d+)/.exec(message)?.[1] ?? '0');
  response.statusCode = status;
  response.end(message);
}

function sqlText(value: string): string {
  return `'${value.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}
