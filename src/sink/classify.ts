/**
 * What a failure of ClickHouse means: a total function, every thrown value gets exactly one answer.
 *
 * Everything Vigie writes is idempotent, so when in doubt about the network the answer is to try again; a
 * failure that somebody must repair (credentials, rights, schema, a defect here) is fatal and says how.
 */

import { ClickHouseError } from '@clickhouse/client';
import { messageOf, VigieError } from '../errors.ts';

export interface Classification {
  readonly retryable: boolean;
  /** Stable code, as in the VigieError made of it. */
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

/** ClickHouse's own error codes after which the same statement may succeed. */
const RETRYABLE_SERVER_CODES: ReadonlySet<number> = new Set([
  74, // CANNOT_READ_FROM_FILE_DESCRIPTOR
  75, // CANNOT_WRITE_TO_FILE_DESCRIPTOR
  76, // CANNOT_OPEN_FILE
  159, // TIMEOUT_EXCEEDED
  160, // TOO_SLOW
  173, // CANNOT_ALLOCATE_MEMORY
  198, // DNS_ERROR
  201, // QUOTA_EXCEEDED: quotas are per interval
  202, // TOO_MANY_SIMULTANEOUS_QUERIES
  203, // NO_FREE_CONNECTION
  209, // SOCKET_TIMEOUT
  210, // NETWORK_ERROR
  225, // NO_ZOOKEEPER
  236, // ABORTED: the server shuts down
  241, // MEMORY_LIMIT_EXCEEDED
  242, // TABLE_IS_READ_ONLY: a replica lost its coordination
  252, // TOO_MANY_PARTS
  279, // ALL_CONNECTION_TRIES_FAILED
  285, // TOO_FEW_LIVE_REPLICAS
  286, // UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE
  287, // UNKNOWN_FORMAT_VERSION of a part in exchange
  319, // UNKNOWN_STATUS_OF_INSERT
  384, // PART_IS_TEMPORARILY_LOCKED
  394, // QUERY_WAS_CANCELLED
  439, // CANNOT_SCHEDULE_TASK
  473, // DEADLOCK_AVOIDED
  499, // S3_ERROR
  519, // NO_ACTIVE_REPLICAS
  745, // SERVER_OVERLOADED
  999, // KEEPER_EXCEPTION
  1000, // POCO_EXCEPTION: what the server's own connections and disks fail with
]);

/** ClickHouse's own error codes for a row whose values it cannot take; others of the insert may be sound. */
const ROW_CODES: ReadonlySet<number> = new Set([
  6, // CANNOT_PARSE_TEXT
  26, // CANNOT_PARSE_QUOTED_STRING
  27, // CANNOT_PARSE_INPUT_ASSERTION_FAILED
  38, // CANNOT_PARSE_DATE
  41, // CANNOT_PARSE_DATETIME
  53, // TYPE_MISMATCH
  69, // ARGUMENT_OUT_OF_BOUND
  70, // CANNOT_CONVERT_TYPE
  72, // CANNOT_PARSE_NUMBER
  117, // INCORRECT_DATA
  130, // CANNOT_READ_ARRAY_FROM_TEXT
  131, // TOO_LARGE_STRING_SIZE
  321, // VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE
  349, // CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN
  376, // CANNOT_PARSE_UUID
  407, // DECIMAL_OVERFLOW
  467, // CANNOT_PARSE_BOOL
  469, // VIOLATED_CONSTRAINT
  675, // CANNOT_PARSE_IPV4
  676, // CANNOT_PARSE_IPV6
  691, // UNKNOWN_ELEMENT_OF_ENUM
]);

const NOT_ENOUGH_SPACE = 243;
const AUTHENTICATION_CODES: ReadonlySet<number> = new Set([192, 193, 194, 516]);
const RIGHTS_CODES: ReadonlySet<number> = new Set([164, 452, 497]);
const SCHEMA_CODES: ReadonlySet<number> = new Set([16, 47, 60, 81]);

const NO_HTTP =
  'See that CLICKHOUSE_URL names the port for HTTP (8123), or says https:// for that of HTTPS (8443).';
const MANY_HEADERS =
  "See that the user's profile does not set send_progress_in_http_headers, nor a proxy add many headers.";
const WAIT = 'See that the server is up and reachable at CLICKHOUSE_URL.';

/** Says what a thrown value means. Never throws. */
export function classifyClickHouseFailure(thrown: unknown): Classification {
  if (thrown instanceof VigieError) {
    return { retryable: thrown.retryable, code: thrown.code, remedy: thrown.remedy ?? '' };
  }
  if (outOfSpace(thrown)) {
    return {
      retryable: true,
      code: 'CLICKHOUSE_DISK_FULL',
      remedy: 'Free space on the disk of the ClickHouse data; writing resumes by itself.',
    };
  }
  const serverError = serverErrorOf(thrown);
  if (serverError !== undefined) return classifyServerCode(serverError.code);
  if (thrown instanceof Error && thrown.name === 'AbortError') {
    return { retryable: true, code: 'CLICKHOUSE_TIMEOUT', remedy: WAIT };
  }
  const code = errnoOf(thrown);
  if (code !== undefined) return classifyErrno(code);
  if (thrown instanceof Error && thrown.constructor === Error) {
    // The client's own timeout, or the answer of something between here and ClickHouse (a proxy's 502 page).
    const timeout = /timeout/i.test(thrown.message);
    return {
      retryable: true,
      code: timeout ? 'CLICKHOUSE_TIMEOUT' : 'CLICKHOUSE_UNREADABLE_ANSWER',
      remedy: WAIT,
    };
  }
  return { retryable: false, code: 'CLICKHOUSE_FAILED', remedy: 'This is a defect: please report it.' };
}

/** The failure as a VigieError, naming what was being done. */
export function clickHouseFailure(thrown: unknown, doing: string): VigieError {
  if (thrown instanceof VigieError) return thrown;
  const { code, retryable, remedy } = classifyClickHouseFailure(thrown);
  const server = serverErrorOf(thrown);
  const origin = server === undefined ? '' : ` (ClickHouse code ${server.code})`;
  // The error for several addresses that were tried has no message of its own.
  const messages = thrown instanceof AggregateError ? thrown.errors.map(messageOf) : [messageOf(thrown)];
  const message = messages.join('; ').trim().slice(0, 500);
  return new VigieError(code, `${doing} failed: ${message}${origin}`, {
    retryable,
    remedy,
    cause: thrown,
  });
}

/**
 * What an insert failed of, without its rows: of one that it refuses ClickHouse quotes it, and others behind it, which
 * say who did what.
 */
export function withoutRows(thrown: unknown): unknown {
  const server = serverErrorOf(thrown);
  if (server === undefined || !ROW_CODES.has(server.code)) return thrown;
  const [, unknown] =
    /^Unknown field found while parsing JSONEachRow format: (\w+)/.exec(messageOf(thrown)) ?? [];
  // Not the row's fault.
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

function classifyServerCode(code: number): Classification {
  if (RETRYABLE_SERVER_CODES.has(code)) return { retryable: true, code: 'CLICKHOUSE_BUSY', remedy: WAIT };
  if (AUTHENTICATION_CODES.has(code)) {
    return {
      retryable: false,
      code: 'CLICKHOUSE_AUTH_FAILED',
      remedy: 'Check CLICKHOUSE_USER and CLICKHOUSE_PASSWORD.',
    };
  }
  if (RIGHTS_CODES.has(code)) {
    return {
      retryable: false,
      code: 'CLICKHOUSE_FORBIDDEN',
      remedy:
        'Grant CLICKHOUSE_USER the rights that docs/storage.md lists, and let its profile allow the settings named there.',
    };
  }
  if (SCHEMA_CODES.has(code)) {
    return {
      retryable: false,
      code: 'CLICKHOUSE_SCHEMA',
      remedy:
        'Check CLICKHOUSE_DATABASE, and undo what was changed about its tables; starting "vigie run" once creates the tables that are missing, and columns that a release added.',
    };
  }
  if (ROW_CODES.has(code)) {
    return {
      retryable: false,
      code: 'CLICKHOUSE_ROW_REFUSED',
      remedy: 'Undo what was changed about the table; if nothing was, this is a defect: please report it.',
    };
  }
  return { retryable: false, code: 'CLICKHOUSE_REFUSED', remedy: 'This is a defect: please report it.' };
}

function classifyErrno(code: string): Classification {
  if (RETRYABLE_ERRNO.has(code)) return { retryable: true, code: 'CLICKHOUSE_UNREACHABLE', remedy: WAIT };
  if (code === 'HPE_HEADER_OVERFLOW')
    return { retryable: true, code: 'CLICKHOUSE_UNREADABLE_ANSWER', remedy: MANY_HEADERS };
  // Node's parser of HTTP: another protocol, or something between here and there that broke off.
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

/** Linux errno 28 reaches us as a Node code, a ClickHouse code or only as text of the embedded engine. */
function outOfSpace(thrown: unknown): boolean {
  if (errnoOf(thrown) === 'ENOSPC' || serverErrorOf(thrown)?.code === NOT_ENOUGH_SPACE) return true;
  return /No space left on device|errno: 28\b/.test(messageOf(thrown));
}

/**
 * An answer of ClickHouse itself. Told by its shape, not its class: the embedded engine's connection and the
 * client each bring a class of that name.
 */
function serverErrorOf(thrown: unknown): { code: number } | undefined {
  if (!(thrown instanceof Error) || !('code' in thrown) || typeof thrown.code !== 'string') return undefined;
  if (!/^\d+$/.test(thrown.code)) return undefined;
  return { code: Number(thrown.code) };
}

function errnoOf(thrown: unknown): string | undefined {
  if (!(thrown instanceof Error)) return undefined;
  if ('code' in thrown && typeof thrown.code === 'string') return thrown.code;
  // Several addresses were tried: any one's reason will do.
  if (thrown instanceof AggregateError) return thrown.errors.map(errnoOf).find((code) => code !== undefined);
  return undefined;
}
