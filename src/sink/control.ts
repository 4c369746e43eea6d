/**
 * Lets `vigie alerts` work beside a running `vigie run` that holds the embedded database: the running process answers
 * operators' requests on a Unix domain socket in its data folder, as JSON over HTTP.
 *
 * Only the owner of the folder can connect, and only the operations of `AlertStore` are offered.
 */

import { chmod, lstat, mkdtemp, readFile, rm, rmdir, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { z } from 'zod';
import type { Clock } from '../clock.ts';
import { messageOf, VigieError } from '../errors.ts';
import { MOST_STATEMENT_BYTES } from '../hunt/statement-length.ts';
import {
  actionSchema,
  alertFilterSchema,
  alertIdSchema,
  parseArgument,
  untoldQuestionSchema,
} from './alert-questions.ts';
import type { AlertStore } from './alert-store.ts';
import { huntQuestionSchema } from './archive-hunt.ts';
import { readsQuestionSchema } from './archive-reads.ts';

/**
 * Grows with every change to the requests or answers: a command and a process must understand each other fully or fail.
 */
export const CONTROL_FORMAT = 2;

/** The process holding the data folder. */
export const ownerSchema = z.object({
  pid: z.int(),
  command: z.string(),
  startedAt: z.number(),
  /** Format of the requests it takes; 1 for processes from before this field. */
  format: z.int().default(1),
});
export type Owner = z.infer<typeof ownerSchema>;

export interface ControlServer {
  readonly path: string;
  close(): Promise<void>;
}

/** Shortest limit on common systems (macOS: 104 bytes including the final zero). */
const MAX_SOCKET_PATH_BYTES = 103;
const SOCKET = 'control.sock';
/** Admits every hunt: JSON escapes a statement to at most twice its length, and its fields stand in it. */
const MAX_BODY_BYTES = 4 * MOST_STATEMENT_BYTES;
/**
 * On close, connections without a complete request are cut off. Pending requests are still answered, with `STOPPING` if
 * nothing moves for this long; a client that does not take its answer either is cut off.
 */
const ANSWER_MS = 2000;

/**
 * Listens for operators. Call it only while holding the data folder: an existing socket is then left over from a killed
 * process, and is replaced.
 */
export async function startControl(options: {
  readonly dataDir: string;
  readonly store: AlertStore;
  readonly command: string;
  readonly clock: Clock;
}): Promise<ControlServer> {
  const { dataDir, store } = options;
  const owner: Owner = {
    pid: process.pid,
    command: options.command,
    startedAt: options.clock.now(),
    format: CONTROL_FORMAT,
  };
  await removeLeftovers(dataDir);
  const path = await socketPath(dataDir);
  /** Open connections, and the response to the last request. */
  const questions = new Map<Socket, ServerResponse | undefined>();
  const server = createServer((request, response) => {
    questions.set(request.socket, response);
    void answer(request, store, owner).then((answered) => send(response, answered));
  });
  server.on('connection', (socket) => {
    questions.set(socket, undefined);
    socket.once('close', () => questions.delete(socket));
  });
  await listenOwnerOnly(server, path);
  return {
    path,
    async close() {
      const closed = new Promise((done) => server.close(done));
      for (const [socket, response] of questions) {
        if (response?.req.complete !== true || response.writableFinished) socket.destroy();
        else {
          response.shouldKeepAlive = false;
          response.setTimeout(ANSWER_MS, () => {
            if (response.headersSent) socket.destroy();
            else send(response, STOPPING);
          });
        }
      }
      await closed;
      await removeLeftovers(dataDir);
    },
  };
}

/** Path of the socket of a data folder, as recorded by the process that listens. */
export async function recordedSocketPath(dataDir: string): Promise<string> {
  try {
    return (await readFile(recordFile(dataDir), 'utf8')).trim();
  } catch {
    return directPath(dataDir);
  }
}

/** A path in the data folder or, if too long for a socket, in a private folder that the data folder names. */
async function socketPath(dataDir: string): Promise<string> {
  const direct = directPath(dataDir);
  if (Buffer.byteLength(direct) <= MAX_SOCKET_PATH_BYTES) return direct;
  // mkdtemp: owner-only and unguessable, so nobody else can listen there first.
  const path = join(await mkdtemp(join(tmpdir(), 'vigie-')), SOCKET);
  await writeFile(recordFile(dataDir), `${path}\n`, { mode: 0o600 });
  return path;
}

/** Anyone who can write to the folder can forge the record, so only a socket like ours and its folder are removed. */
async function removeLeftovers(dataDir: string): Promise<void> {
  const path = await recordedSocketPath(dataDir);
  const [folder, direct] = [dirname(path), directPath(dataDir)];
  if (path === direct) await rm(path, { force: true });
  else if (dirname(folder) === tmpdir() && path === join(folder, SOCKET) && (await isSocket(path))) {
    await rm(path, { force: true });
    await rmdir(folder).catch(() => undefined);
  }
  await rm(recordFile(dataDir), { force: true });
}

async function isSocket(path: string): Promise<boolean> {
  return (await lstat(path).catch(() => undefined))?.isSocket() === true;
}

function directPath(dataDir: string): string {
  return join(resolve(dataDir), SOCKET);
}

function recordFile(dataDir: string): string {
  return join(resolve(dataDir), 'control.path');
}

async function listenOwnerOnly(server: Server, path: string): Promise<void> {
  await new Promise<void>((done, fail) => {
    server.once('error', fail);
    // The socket is bound before `listen` returns, so the umask applies to it alone.
    const before = process.umask(0o177);
    try {
      server.listen(path, done);
    } finally {
      process.umask(before);
    }
  }).catch((error: unknown) => {
    throw new VigieError('CONTROL_SOCKET_FAILED', `cannot listen on ${path}: ${messageOf(error)}`, {
      remedy: 'Use a data folder on a local file system that this user may write (VIGIE_DATA_DIR).',
      cause: error,
    });
  });
  await chmod(path, 0o600);
}

interface Answer {
  readonly status: number;
  readonly body: unknown;
}

const STOPPING: Answer = {
  status: 503,
  body: {
    code: 'CONTROL_STOPPING',
    message: 'the running process stops and did not wait longer for the database',
    remedy:
      'Ask again when it has ended or runs again. If this was an action, "vigie alerts show" tells whether it was taken.',
    retryable: true,
  },
};

/** Does nothing if an answer was already sent. */
function send(response: ServerResponse, { status, body }: Answer): void {
  if (response.headersSent) return;
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(JSON.stringify(body));
}

async function answer(request: IncomingMessage, store: AlertStore, owner: Owner): Promise<Answer> {
  try {
    return { status: 200, body: await perform(request, store, owner) };
  } catch (error) {
    const known = error instanceof VigieError;
    const { code, remedy, retryable } = known
      ? error
      : { code: 'CONTROL_FAILED', remedy: 'This is a defect: please report it.', retryable: false };
    return { status: known ? 422 : 500, body: { code, message: messageOf(error), remedy, retryable } };
  }
}

async function perform(request: IncomingMessage, store: AlertStore, owner: Owner): Promise<unknown> {
  switch (`${request.method} ${request.url}`) {
    case 'GET /v1/owner':
      return owner;
    case 'POST /v1/alerts/list':
      return store.list(parseArgument(alertFilterSchema, await bodyOf(request)));
    case 'POST /v1/alerts/show':
      return store.show(parseArgument(alertIdSchema, await bodyOf(request)));
    case 'POST /v1/alerts/act':
      return store.act(parseArgument(actionSchema, await bodyOf(request)));
    case 'POST /v1/alerts/untold':
      return store.untold(parseArgument(untoldQuestionSchema, await bodyOf(request)));
    case 'GET /v1/archive':
      return store.archive();
    case 'POST /v1/archive/reads':
      return store.reads(parseArgument(readsQuestionSchema, await bodyOf(request)));
    case 'POST /v1/archive/hunt':
      return store.hunt(parseArgument(huntQuestionSchema, await bodyOf(request)));
    default:
      throw new VigieError('CONTROL_UNKNOWN', `${request.method} ${request.url} is not offered here`, {
        remedy: 'Use the same release of Vigie for the command and the running process.',
      });
  }
}

async function bodyOf(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > MAX_BODY_BYTES) throw invalidBody(`more than ${MAX_BODY_BYTES} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8')) as unknown;
  } catch (error) {
    throw invalidBody(messageOf(error));
  }
}

function invalidBody(why: string): VigieError {
  return new VigieError('ARGUMENT_INVALID', `the request's body is no JSON of a question: ${why}`);
}
