/**
 * ClickHouse's own error codes that Vigie has an answer to, by what they mean for it. A test asks the engine for the
 * name of each.
 */

export type ServerTrouble = keyof typeof SERVER_CODES;

export const SERVER_CODES = {
  /** After which the same statement may succeed: load, disks, connections, replicas and keepers of the server. */
  passing: {
    3: 'UNEXPECTED_END_OF_FILE',
    23: 'CANNOT_READ_FROM_ISTREAM',
    24: 'CANNOT_WRITE_TO_OSTREAM',
    32: 'ATTEMPT_TO_READ_AFTER_EOF',
    33: 'CANNOT_READ_ALL_DATA',
    74: 'CANNOT_READ_FROM_FILE_DESCRIPTOR',
    75: 'CANNOT_WRITE_TO_FILE_DESCRIPTOR',
    76: 'CANNOT_OPEN_FILE',
    77: 'CANNOT_CLOSE_FILE',
    95: 'CANNOT_READ_FROM_SOCKET',
    96: 'CANNOT_WRITE_TO_SOCKET',
    159: 'TIMEOUT_EXCEEDED',
    160: 'TOO_SLOW',
    173: 'CANNOT_ALLOCATE_MEMORY',
    198: 'DNS_ERROR',
    // Quotas are per interval.
    201: 'QUOTA_EXCEEDED',
    202: 'TOO_MANY_SIMULTANEOUS_QUERIES',
    203: 'NO_FREE_CONNECTION',
    204: 'CANNOT_FSYNC',
    209: 'SOCKET_TIMEOUT',
    210: 'NETWORK_ERROR',
    216: 'QUERY_WITH_SAME_ID_IS_ALREADY_RUNNING',
    225: 'NO_ZOOKEEPER',
    232: 'NO_SUCH_DATA_PART',
    234: 'NO_REPLICA_HAS_PART',
    // The server shuts down.
    236: 'ABORTED',
    241: 'MEMORY_LIMIT_EXCEEDED',
    // A replica lost its keeper.
    242: 'TABLE_IS_READ_ONLY',
    244: 'UNEXPECTED_ZOOKEEPER_ERROR',
    252: 'TOO_MANY_PARTS',
    254: 'NO_ACTIVE_REPLICAS',
    255: 'TOO_MANY_RETRIES_TO_FETCH_PARTS',
    265: 'NO_AVAILABLE_REPLICA',
    274: 'AIO_READ_ERROR',
    275: 'AIO_WRITE_ERROR',
    279: 'ALL_CONNECTION_TRIES_FAILED',
    285: 'TOO_FEW_LIVE_REPLICAS',
    286: 'UNSATISFIED_QUORUM_FOR_PREVIOUS_WRITE',
    // Of a part in exchange.
    287: 'UNKNOWN_FORMAT_VERSION',
    289: 'REPLICA_IS_NOT_IN_QUORUM',
    294: 'CANNOT_WRITE_TO_FILE',
    319: 'UNKNOWN_STATUS_OF_INSERT',
    // A statement for a cluster that not all of its servers have carried out yet.
    341: 'UNFINISHED',
    364: 'RECEIVED_ERROR_TOO_MANY_REQUESTS',
    369: 'ALL_REPLICAS_ARE_STALE',
    384: 'PART_IS_TEMPORARILY_LOCKED',
    394: 'QUERY_WAS_CANCELLED',
    // Of what looks users up.
    410: 'EXTERNAL_SERVER_IS_NOT_RESPONDING',
    411: 'PTHREAD_ERROR',
    416: 'REPLICA_STATUS_CHANGED',
    425: 'SYSTEM_ERROR',
    439: 'CANNOT_SCHEDULE_TASK',
    473: 'DEADLOCK_AVOIDED',
    499: 'S3_ERROR',
    500: 'AZURE_BLOB_STORAGE_ERROR',
    519: 'NO_REMOTE_SHARD_AVAILABLE',
    529: 'NOT_A_LEADER',
    532: 'LDAP_ERROR',
    568: 'RAFT_ERROR',
    571: 'DATABASE_REPLICATION_FAILED',
    573: 'EPOLL_ERROR',
    574: 'DISTRIBUTED_TOO_MANY_PENDING_BYTES',
    586: 'CANNOT_CREATE_FILE',
    659: 'UNKNOWN_STATUS_OF_TRANSACTION',
    677: 'THREAD_WAS_CANCELED',
    692: 'TOO_MANY_MUTATIONS',
    693: 'AWS_ERROR',
    // A server that is starting and has not loaded its tables yet.
    696: 'ASYNC_LOAD_CANCELED',
    700: 'USER_SESSION_LIMIT_EXCEEDED',
    722: 'ASYNC_LOAD_WAIT_FAILED',
    733: 'TABLE_IS_BEING_RESTARTED',
    735: 'QUERY_WAS_CANCELLED_BY_CLIENT',
    738: 'PART_IS_LOCKED',
    745: 'SERVER_OVERLOADED',
    749: 'TCP_CONNECTION_LIMIT_REACHED',
    762: 'HTTP_CONNECTION_LIMIT_REACHED',
    776: 'RESOURCE_LIMIT_EXCEEDED',
    777: 'MEMORY_RESERVATION_KILLED',
    778: 'MEMORY_RESERVATION_FAILED',
    904: 'TOO_MANY_UNAVAILABLE_SHARDS',
    999: 'KEEPER_EXCEPTION',
    // What the server's own connections, disks and memory fail with.
    1000: 'POCO_EXCEPTION',
    1001: 'STD_EXCEPTION',
  },
  disk: { 243: 'NOT_ENOUGH_SPACE' },
  /** Of a row whose values the table cannot take; others of the insert may be sound. */
  row: {
    6: 'CANNOT_PARSE_TEXT',
    26: 'CANNOT_PARSE_QUOTED_STRING',
    27: 'CANNOT_PARSE_INPUT_ASSERTION_FAILED',
    38: 'CANNOT_PARSE_DATE',
    41: 'CANNOT_PARSE_DATETIME',
    53: 'TYPE_MISMATCH',
    69: 'ARGUMENT_OUT_OF_BOUND',
    70: 'CANNOT_CONVERT_TYPE',
    72: 'CANNOT_PARSE_NUMBER',
    117: 'INCORRECT_DATA',
    130: 'CANNOT_READ_ARRAY_FROM_TEXT',
    131: 'TOO_LARGE_STRING_SIZE',
    321: 'VALUE_IS_OUT_OF_RANGE_OF_DATA_TYPE',
    349: 'CANNOT_INSERT_NULL_IN_ORDINARY_COLUMN',
    376: 'CANNOT_PARSE_UUID',
    407: 'DECIMAL_OVERFLOW',
    467: 'CANNOT_PARSE_BOOL',
    469: 'VIOLATED_CONSTRAINT',
    675: 'CANNOT_PARSE_IPV4',
    676: 'CANNOT_PARSE_IPV6',
    691: 'UNKNOWN_ELEMENT_OF_ENUM',
  },
  authentication: {
    192: 'UNKNOWN_USER',
    193: 'WRONG_PASSWORD',
    194: 'REQUIRED_PASSWORD',
    195: 'IP_ADDRESS_NOT_ALLOWED',
    516: 'AUTHENTICATION_FAILED',
    720: 'USER_EXPIRED',
    767: 'REQUIRED_SECOND_FACTOR',
  },
  rights: {
    164: 'READONLY',
    291: 'DATABASE_ACCESS_DENIED',
    452: 'SETTING_CONSTRAINT_VIOLATION',
    472: 'READONLY_SETTING',
    497: 'ACCESS_DENIED',
  },
  schema: {
    16: 'NO_SUCH_COLUMN_IN_TABLE',
    47: 'UNKNOWN_IDENTIFIER',
    60: 'UNKNOWN_TABLE',
    81: 'UNKNOWN_DATABASE',
    218: 'TABLE_IS_DROPPED',
  },
  /** What the user's profile, or the server, allows of one statement or of tables. */
  limit: {
    158: 'TOO_MANY_ROWS',
    191: 'SET_SIZE_LIMIT_EXCEEDED',
    307: 'TOO_MANY_BYTES',
    396: 'TOO_MANY_ROWS_OR_BYTES',
    724: 'TOO_MANY_TABLES',
    725: 'TOO_MANY_DATABASES',
  },
  cluster: {
    139: 'NO_ELEMENTS_IN_CONFIG',
    701: 'CLUSTER_DOESNT_EXIST',
  },
  /** Of a server that does not know what a statement uses. */
  release: {
    46: 'UNKNOWN_FUNCTION',
    50: 'UNKNOWN_TYPE',
    63: 'UNKNOWN_AGGREGATE_FUNCTION',
    115: 'UNKNOWN_SETTING',
    432: 'UNKNOWN_CODEC',
  },
} as const satisfies Record<string, Readonly<Record<number, string>>>;

const TROUBLE_OF: ReadonlyMap<number, ServerTrouble> = new Map(
  Object.entries(SERVER_CODES).flatMap(([trouble, codes]) =>
    Object.keys(codes).map((code) => [Number(code), trouble as ServerTrouble] as const),
  ),
);

/** Undefined for a code that Vigie has no answer to of its own. */
export function serverTrouble(code: number): ServerTrouble | undefined {
  return TROUBLE_OF.get(code);
}
