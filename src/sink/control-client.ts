/** Asks the process that holds an embedded database, over the socket of control.ts: who it is, and for operators. */

import { once } from 'node:events';
import { request } from 'node:http';
import type { IncomingMessage } from 'node:http';
import { text } from 'node:stream/consumers';
import { z } from 'zod';
import { messageOf, VigieError } from '../errors.ts';
import type { ActionRequest, AlertFilter, UntoldQuestion } from './alert-questions.ts';
import type { AlertDetail, AlertStore, AlertView } from './alert-store.ts';
import type { HuntAnswer, HuntQuestion } from './archive-hunt.ts';
import type { ArchiveSpan, ReadsPage, ReadsQuestion } from './archive-reads.ts';
import { CONTROL_FORMAT, ownerSchema, recordedSocketPath } from './control.ts';
import type { Owner } from './control.ts';

const failureSchema = z.object({
  code: z.string(),
  message: z.string(),
  remedy: z.string().optional(),
  retryable: z.boolean(),
});

const TIMEOUT_MS = 30_000;
/** A page with few matching reads among many events has to scan all of these. */
export const READS_TIMEOUT_MS = 600_000;
/** Nobody listens there. */
const ABSENT: ReadonlySet<string> = new Set(['ENOENT', 'ECONNREFUSED', 'ENOTSOCK', 'ENOTDIR']);

/** The process that holds a data folder and answers; undefined if there is none. */
export async function ownerOf(dataDir: string): Promise<Owner | undefined> {
  return (await askOwner(dataDir))?.owner;
}

/** A store that queries the process which holds the data folder; undefined if there is none. Throws CONTROL_RELEASE. */
export async function controlClient(dataDir: string): Promise<AlertStore | undefined> {
  const found = await askOwner(dataDir);
  if (found === undefined) return undefined;
  const { pid, command, format } = found.owner;
  if (format !== CONTROL_FORMAT) {
    throw new VigieError(
      'CONTROL_RELEASE',
      `process ${pid} (${command}), which holds the data folder, is of another release of Vigie: it takes questions of format ${format}, and this command has those of ${CONTROL_FORMAT}`,
      { remedy: 'Restart it with this release, or use this command of the release that runs.' },
    );
  }
  return new ControlClient(found.path);
}

async function askOwner(dataDir: string): Promise<{ path: string; owner: Owner } | undefined> {
  const path = await recordedSocketPath(dataDir);
  try {
    return { path, owner: ownerSchema.parse(await ask(path, 'GET', '/v1/owner')) };
  } catch (error) {
    if (error instanceof VigieError && error.code === 'CONTROL_ABSENT') return undefined;
    throw error;
  }
}

/** The operations of a store, carried out by another process. */
class ControlClient implements AlertStore {
  readonly #path: string;

  constructor(path: string) {
    this.#path = path;
  }

  async list(filter: AlertFilter): Promise<readonly AlertView[]> {
    return (await ask(this.#path, 'POST', '/v1/alerts/list', filter)) as AlertView[];
  }

  async show(idOrPrefix: string): Promise<AlertDetail> {
    return (await ask(this.#path, 'POST', '/v1/alerts/show', idOrPrefix)) as AlertDetail;
  }

  async act(action: ActionRequest): Promise<AlertDetail> {
    return (await ask(this.#path, 'POST', '/v1/alerts/act', action)) as AlertDetail;
  }

  async untold(question: UntoldQuestion): Promise<readonly AlertView[]> {
    return (await ask(this.#path, 'POST', '/v1/alerts/untold', question)) as AlertView[];
  }

  async archive(): Promise<ArchiveSpan | null> {
    return (await ask(this.#path, 'GET', '/v1/archive')) as ArchiveSpan | null;
  }

  async reads(question: ReadsQuestion): Promise<ReadsPage> {
    return (await ask(this.#path, 'POST', '/v1/archive/reads', question, READS_TIMEOUT_MS)) as ReadsPage;
  }

  async hunt(question: HuntQuestion): Promise<HuntAnswer> {
    return (await ask(this.#path, 'POST', '/v1/archive/hunt', question, READS_TIMEOUT_MS)) as HuntAnswer;
  }

  close(): Promise<void> {
    return Promise.resolve();
  }
}

async function ask(
  socketPath: string,
  method: string,
  path: string,
  body?: unknown,
  timeoutMs = TIMEOUT_MS,
): Promise<unknown> {
  const { status, content } = await exchange(socketPath, method, path, body, timeoutMs).catch(
    (error: unknown) => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : '';
      throw new VigieError(
        ABSENT.has(code) ? 'CONTROL_ABSENT' : 'CONTROL_FAILED',
        `the process at ${socketPath} cannot be asked: ${messageOf(error)}`,
        { remedy: 'See whether "vigie run" is alive, and run this command as the same user.', cause: error },
      );
    },
  );
  const value = parseJson(socketPath, content);
  if (status === 200) return value;
  const failure = failureSchema.safeParse(value);
  if (!failure.success) throw notVigie(socketPath);
  const { code, message, remedy, retryable } = failure.data;
  throw new VigieError(code, message, { retryable, remedy });
}

async function exchange(
  socketPath: string,
  method: string,
  path: string,
  body: unknown,
  timeoutMs: number,
): Promise<{ status: number; content: string }> {
  const signal = AbortSignal.timeout(timeoutMs);
  const outgoing = request({ socketPath, method, path, agent: false, signal });
  // An error before the response rejects below; one after it (the server did not read the whole request) is moot.
  outgoing.on('error', () => {});
  outgoing.end(body === undefined ? undefined : JSON.stringify(body));
  const [response] = (await once(outgoing, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, content: await text(response) };
}

function parseJson(socketPath: string, content: string): unknown {
  try {
    return JSON.parse(content) as unknown;
  } catch {
    throw notVigie(socketPath);
  }
}

function notVigie(socketPath: string): VigieError {
  return new VigieError('CONTROL_FAILED', `what listens at ${socketPath} does not answer like Vigie`, {
    remedy: 'See which process holds the data folder.',
  });
}
