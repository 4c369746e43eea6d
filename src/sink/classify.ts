/**
 * Classifies failures of ClickHouse: a total function, with exactly one answer for every thrown value.
 *
 * Everything Vigie writes is idempotent, so when in doubt about the network the answer is to retry. A failure that
 * somebody must repair (credentials, rights, schema, a defect here) is fatal and says how.
 */

import { ClickHouseError } from '@clickhouse/client';
import { messageOf, VigieError } from '../errors.ts';
import { serverTrouble, type ServerTrouble } from './server-codes.ts';

interface Classification {
  readonly retryable: boolean;
  readonly code: string;
  readonly remedy: string;
}

const RETRYABLE_ERRNO: ReadonlySet<string> = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ETIMEDOUT',
  'ESOCKETTIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
]);

const NO_HTTP =
  'See that CLICKHOUSE_URL names the port for HTTP (8123), or says https:// for that of HTTPS (8443).';
const MANY_HEADERS =
  "See that the user's profile does not set send_progress_in_http_headers, nor a proxy add many headers.";
const WAIT = 'See that the server is up and reachable at CLICKHOUSE_URL.';

function classified(thrown: unknown): Classification {
  if (outOfSpace(thrown)) return SERVER_ANSWERS.disk;
  const serverError = serverErrorOf(thrown);
  if (serverError !== undefined) {
    const trouble = serverTrouble(serverError.code);
    return trouble === undefined ? REFUSED : SERVER_ANSWERS[trouble];
  }
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return { retryable: true, code: 'CLICKHOUSE_TIMEOUT', remedy: WAIT };
  }
  const code = errnoOf(thrown);
  if (code !== undefined) return classifyErrno(code);
  if (thrown instanceof Error && thrown.constructor === Error) {
    // The client's own timeout, or an answer from something in between (a proxy's 502 page).
    const timeout = /timeout/i.test(thrown.message);
    return {
      retryable: true,
      code: timeout ? 'CLICKHOUSE_TIMEOUT' : 'CLICKHOUSE_UNREADABLE_ANSWER',
      remedy: WAIT,
    };
  }
  return { retryable: false, code: 'CLICKHOUSE_FAILED', remedy: 'This is a defect: please report it.' };
}

/** A thrown value as a VigieError that names what was being done. Never throws. */
export function clickHouseFailure(thrown: unknown, doing: string): VigieError {
  if (thrown instanceof VigieError) return thrown;
  const { code, retryable, remedy } = classified(thrown);
  const server = serverErrorOf(thrown);
  const origin = server === undefined ? '' : ` (ClickHouse code ${server.code})`;
  // The error for several failed addresses has no message of its own.
  const messages = thrown instanceof AggregateError ? thrown.errors.map(messageOf) : [messageOf(thrown)];
  const told = code === SERVER_ANSWERS.schema.code ? messages.map(withoutStatement) : messages;
  const message = told.join('; ').trim().slice(0, 500);
  return new VigieError(code, `${doing} failed: ${message}${origin}`, {
    retryable,
    remedy,
    cause: thrown,
  });
}

/** For `catch`: throws the failure as a VigieError that names what was being done, and where. */
export function failing(doing: string, { place }: { readonly place: string }): (thrown: unknown) => never {
  return (thrown) => {
    throw clickHouseFailure(thrown, `${doing} at ${place}`);
  };
}

/** A message about what a statement names, without the statement, which may be longer than what is told at all. */
function withoutStatement(message: string): string {
  return message.replace(/\.? in scope \(?(?:SELECT|WITH)\b[^]*?(?=\. Maybe you meant|$)/i, '');
}

/**
 * The failure of an insert, without its rows. ClickHouse quotes the row that it refuses and some after it, and these
 * say who did what.
 */
export function withoutRows(thrown: unknown): unknown {
  const server = serverErrorOf(thrown);
  if (server === undefined || serverTrouble(server.code) !== 'row') return thrown;
  const [, unknown] =
    /^Unknown field found while parsing JSONEachRow format: (\w+)/.exec(messageOf(thrown)) ?? [];
  // The table lacks a column.
  if (unknown !== undefined)
    return new ClickHouseError({ message: `the table has no column ${unknown}`, code: '16' });
  return new ClickHouseError({ message: rowRefusal(messageOf(thrown)), code: String(server.code) });
}

function rowRefusal(message: string): string {
  const [, constraint] = /^Constraint `([^`]+)`/.exec(message) ?? [];
  if (constraint !== undefined) return `it violates the constraint ${constraint}`;
  const [, column] = /\(while reading the value of key (\w+)\)/.exec(message) ?? [];
  return column === undefined
    ? 'a value does not fit its column'
    : `a value does not fit the column ${column}`;
}

const SERVER_ANSWERS: Readonly<Record<ServerTrouble, Classification>> = {
  passing: {
    retryable: true,
    code: 'CLICKHOUSE_BUSY',
    remedy: 'It may pass. If it lasts, see the log of the server, and the quotas of CLICKHOUSE_USER.',
  },
  disk: {
    retryable: true,
    code: 'CLICKHOUSE_DISK_FULL',
    remedy: 'Free space on the disk of the ClickHouse data; writing resumes by itself.',
  },
  authentication: {
    retryable: false,
    code: 'CLICKHOUSE_AUTH_FAILED',
    remedy:
      'Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD, and whether the server takes that user from here.',
  },
  rights: {
    retryable: false,
    code: 'CLICKHOUSE_FORBIDDEN',
    remedy:
      'Grant CLICKHOUSE_USER the rights that docs/storage.md lists, and let its profile allow the settings named there.',
  },
  schema: {
    retryable: false,
    code: 'CLICKHOUSE_SCHEMA',
    remedy:
      'Check CLICKHOUSE_DATABASE, and undo what was changed about its tables; starting "vigie run" once creates the tables that are missing, and columns that a release added.',
  },
  row: {
    retryable: false,
    code: 'CLICKHOUSE_ROW_REFUSED',
    remedy: 'Undo what was changed about the table; if nothing was, this is a defect: please report it.',
  },
  limit: {
    retryable: false,
    code: 'CLICKHOUSE_LIMIT',
    remedy: 'Raise the limit in the profile of CLICKHOUSE_USER, or of the server, or ask for less.',
  },
  cluster: {
    retryable: false,
    code: 'CLICKHOUSE_CLUSTER_UNKNOWN',
    remedy:
      'Check CLICKHOUSE_CLUSTER against the names in system.clusters, and that the server has a keeper and distributed_ddl.',
  },
  release: {
    retryable: false,
    code: 'CLICKHOUSE_RELEASE',
    remedy: 'Use a ClickHouse of release 24.4 or later; if it is one, this is a defect: please report it.',
  },
};

const REFUSED: Classification = {
  retryable: false,
  code: 'CLICKHOUSE_REFUSED',
  remedy: "See the server's log; if it knows of no trouble of its own, this is a defect: please report it.",
};

function classifyErrno(code: string): Classification {
  if (RETRYABLE_ERRNO.has(code)) return { retryable: true, code: 'CLICKHOUSE_UNREACHABLE', remedy: WAIT };
  if (code === 'HPE_HEADER_OVERFLOW')
    return { retryable: true, code: 'CLICKHOUSE_UNREADABLE_ANSWER', remedy: MANY_HEADERS };
  // From Node's HTTP parser: another protocol, or something in between broke the connection off.
  if (code.startsWith('HPE_'))
    return { retryable: true, code: 'CLICKHOUSE_UNREADABLE_ANSWER', remedy: NO_HTTP };
  if (code === 'EPROTO' || /CERT|TLS|SSL|SIGNATURE/.test(code)) {
    return {
      retryable: false,
      code: 'CLICKHOUSE_TLS',
      remedy: 'Check https:// in CLICKHOUSE_URL and the certificate; NODE_EXTRA_CA_CERTS adds an authority.',
    };
  }
  return { retryable: false, code: 'CLICKHOUSE_FAILED', remedy: 'This is a defect: please report it.' };
}

/** A full disk (Linux errno 28) arrives as a Node code, or only in the text of a ClickHouse error with another code. */
function outOfSpace(thrown: unknown): boolean {
  if (errnoOf(thrown) === 'ENOSPC') return true;
  return /No space left on device|errno: 28\b/.test(messageOf(thrown));
}

/**
 * The code of an error from ClickHouse itself. Recognised by shape, not class: the embedded engine's connection and the
 * client each have their own class of that name.
 */
function serverErrorOf(thrown: unknown): { code: number } | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined;
  if (!/^\d+$/.test(thrown.code)) return undefined;
  return { code: Number(thrown.code) };
}

function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  // Several addresses were tried: the reason of any one will do.
  if (thrown instanceof AggregateError) return thrown.errors.map(errnoOf).find((code) => code !== undefined);
  return undefined;
}
