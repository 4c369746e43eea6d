/**
 * A real Kafka broker as one process on this machine: jars from Maven Central (kept in `kafka/target`), KRaft, broker
 * and controller in one. Needs Java 17 or newer and, the first time, Maven.
 *
 * Guarantee: it ends with this process, however that ends. The shell around it waits for its standard input to close,
 * then stops the broker and removes temporary files.
 */

import { execFile, spawn } from 'node:child_process';
import type { ChildProcess, PromiseWithChild } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, writeFile } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';
import { messageOf } from '../../src/errors.ts';

const run = promisify(execFile);
const FOLDER = join(import.meta.dirname, 'kafka');
const LIBS = join(FOLDER, 'target', 'libs');
const CLUSTER_ID = 'vigie-local-0000000000';
const START_TIMEOUT_MS = 60_000;

export interface NativeKafka {
  readonly brokers: string[];
  /** A second listener that requires SASL PLAIN. */
  readonly sasl: { readonly brokers: string[]; readonly username: string; readonly password: string };
  /** Address of each further listener, by name. */
  readonly listeners: ReadonlyMap<string, string>;
  /** Resolves when the broker has ended. */
  readonly ended: Promise<void>;
  stop(): Promise<void>;
  /** Like `kill -9`: the broker does not sign off. */
  kill(): Promise<void>;
}

export interface NativeKafkaOptions {
  /** Default: a free port. */
  readonly port?: number;
  /** Ports of the SASL listener, the controller and the further listeners, in this order. Default: free ones. */
  readonly otherPorts?: readonly number[];
  /** Kept at stop. Default: a temporary folder, removed at stop. */
  readonly dataFolder?: string;
  /** Further listeners. */
  readonly listeners?: readonly Listener[];
  /** Users of SCRAM as the format tool takes them, e.g. `SCRAM-SHA-256=[name=a,password=b]`. */
  readonly scram?: readonly string[];
  /** Options of the Java virtual machine, which add to or override those set here. */
  readonly java?: readonly string[];
  /** Settings of the broker, which add to or override those set here. */
  readonly settings?: Readonly<Record<string, string>>;
}

export interface Listener {
  /** Lower case. */
  readonly name: string;
  readonly protocol: 'PLAINTEXT' | 'SSL' | 'SASL_SSL' | 'SASL_PLAINTEXT';
  /** The port that clients are told, if something stands between them and the listener. Default: its own port. */
  readonly advertisedPort?: number;
  /** Its own settings, without the prefix `listener.name.…`. */
  readonly settings: Readonly<Record<string, string>>;
}

const SASL_USER = { username: 'vigie', password: 'local-only' };

export async function startNativeKafka(options: NativeKafkaOptions = {}): Promise<NativeKafka> {
  await requireJava();
  await fetchJars();
  const folder = options.dataFolder ?? (await mkdtemp(join(tmpdir(), 'vigie-kafka-')));
  await mkdir(folder, { recursive: true });
  const { listeners = [] } = options;
  const [freePort, ...free] = await freePorts(3 + listeners.length);
  const [saslPort, controllerPort, ...ports] = options.otherPorts ?? free;
  const further = listeners.map((listener, i) => ({ ...listener, port: ports[i]! }));
  const port = options.port ?? freePort!;
  const config = join(folder, 'server.properties');
  const settings = Object.entries(options.settings ?? {}).map(([name, value]) => `${name}=${value}\n`);
  const given = properties(folder, port, saslPort!, controllerPort!, further);
  await writeFile(config, given + settings.join(''));
  const scram = (options.scram ?? []).flatMap((user) => ['--add-scram', user]);
  if (!existsSync(join(folder, 'data', 'meta.properties'))) {
    await java('kafka.tools.StorageTool', ['format', '-t', CLUSTER_ID, '-c', config, ...scram]);
  }
  const logFile = join(folder, 'broker.log');
  const shell = spawnGuarded(
    config,
    logFile,
    options.dataFolder === undefined ? folder : undefined,
    options.java,
  );
  const ended = new Promise<void>((resolve) => shell.once('exit', () => resolve()));
  const stop = async (): Promise<void> => {
    shell.stdin?.destroy();
    await ended;
  };
  try {
    await listening(port, shell);
  } catch (error) {
    const log = await readFile(logFile, 'utf8').catch(() => '');
    await stop();
    throw new Error(`${messageOf(error)}\n${log.slice(-2000)}`, { cause: error });
  }
  return {
    brokers: [`127.0.0.1:${port}`],
    sasl: { brokers: [`127.0.0.1:${saslPort!}`], ...SASL_USER },
    listeners: new Map(further.map((listener) => [listener.name, `127.0.0.1:${listener.port}`])),
    ended,
    stop,
    kill: async () => {
      shell.stdin?.end('KILL\n');
      await ended;
    },
  };
}

async function requireJava(): Promise<void> {
  let output: string;
  try {
    output = (await run('java', ['-version'])).stderr;
  } catch {
    throw new Error('no Java: install a Java runtime of version 17 or newer');
  }
  const version = Number(/version "(\d+)/.exec(output)?.[1] ?? 0);
  if (version < 17) throw new Error(`Java ${version} is too old: install version 17 or newer`);
}

async function fetchJars(): Promise<void> {
  // The marker counts, not the folder: an interrupted download leaves some of the jars.
  const complete = join(LIBS, '.complete');
  const pom = await readFile(join(FOLDER, 'pom.xml'), 'utf8');
  if (existsSync(complete) && (await readFile(complete, 'utf8')) === pom) return;
  const goal = [
    '-q',
    '-B',
    'dependency:copy-dependencies',
    `-DoutputDirectory=${LIBS}`,
    '-DincludeScope=runtime',
  ];
  try {
    await run('mvn', goal, { cwd: FOLDER, timeout: 300_000 });
  } catch (error) {
    throw new Error(`the broker's jars could not be fetched with Maven: ${messageOf(error)}`, {
      cause: error,
    });
  }
  await writeFile(complete, pom);
}

/** Runs one of Kafka's own programs and returns its output. `input` is its standard input. */
export async function kafkaProgram(main: string, args: readonly string[], input = ''): Promise<string> {
  await requireJava();
  await fetchJars();
  const running = java(main, args);
  running.child.stdin?.end(input);
  return (await running).stdout;
}

function java(main: string, args: readonly string[]): PromiseWithChild<{ stdout: string; stderr: string }> {
  const options = ['-Xmx128m', '-XX:TieredStopAtLevel=1', '-cp', join(LIBS, '*')];
  return run('java', [...options, main, ...args], { maxBuffer: 64 * 1024 * 1024 });
}

function spawnGuarded(
  config: string,
  logFile: string,
  temporary: string | undefined,
  options: readonly string[] = [],
): ChildProcess {
  const script = `
    java -Xmx512m -XX:+UseSerialGC $5 -cp "$1" kafka.Kafka "$2" >"$3" 2>&1 </dev/null &
    broker=$!
    exec 3<&0
    (read -r how <&3 || how=TERM; kill -$how $broker) &
    guard=$!
    wait $broker
    kill $guard 2>/dev/null
    [ -z "$4" ] || rm -rf "$4"
  `;
  const args = ['-c', script, 'sh', join(LIBS, '*'), config, logFile, temporary ?? '', options.join(' ')];
  // A process group of its own: Ctrl-C in the terminal must reach this process, not the broker first.
  return spawn('sh', args, { stdio: ['pipe', 'ignore', 'ignore'], detached: true });
}

async function listening(port: number, shell: ChildProcess): Promise<void> {
  const until = Date.now() + START_TIMEOUT_MS;
  while (Date.now() < until) {
    if (shell.exitCode !== null) throw new Error('the broker ended while starting');
    const open = await new Promise<boolean>((resolve) => {
      const socket = connect(port, '127.0.0.1', () => {
        socket.destroy();
        resolve(true);
      });
      socket.once('error', () => resolve(false));
    });
    if (open) return;
    await delay(100);
  }
  throw new Error(`the broker did not listen on port ${port} within ${START_TIMEOUT_MS / 1000} s`);
}

export async function freePorts(count: number): Promise<number[]> {
  const servers = await Promise.all(
    Array.from({ length: count }, async () => {
      const server = createServer();
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      return server;
    }),
  );
  const ports = servers.map((server) => (server.address() as { port: number }).port);
  await Promise.all(servers.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function properties(
  folder: string,
  port: number,
  saslPort: number,
  controllerPort: number,
  further: readonly (Listener & { readonly port: number })[],
): string {
  const addresses = (portOf: (listener: (typeof further)[number]) => number): string =>
    further.map((listener) => `,${listener.name.toUpperCase()}://127.0.0.1:${portOf(listener)}`).join('');
  const protocols = further.map(({ name, protocol }) => `,${name.toUpperCase()}:${protocol}`).join('');
  const settings = further.flatMap((listener) =>
    Object.entries(listener.settings).map(
      ([name, value]) => `listener.name.${listener.name}.${name}=${value}`,
    ),
  );
  const { username, password } = SASL_USER;
  const login = 'org.apache.kafka.common.security.plain.PlainLoginModule';
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
controller.listener.names=CONTROLLER
listeners=PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}${addresses(({ port: at }) => at)},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=PLAINTEXT://127.0.0.1:${port},SASL_PLAINTEXT://127.0.0.1:${saslPort}${addresses(({ port: at, advertisedPort = at }) => advertisedPort)}
listener.security.protocol.map=PLAINTEXT:PLAINTEXT,SASL_PLAINTEXT:SASL_PLAINTEXT,CONTROLLER:PLAINTEXT${protocols}
sasl.enabled.mechanisms=PLAIN
listener.name.sasl_plaintext.plain.sasl.jaas.config=${login} required username="${username}" password="${password}" user_${username}="${password}";
log.dirs=${join(folder, 'data')}
num.partitions=1
offsets.topic.replication.factor=1
offsets.topic.num.partitions=4
transaction.state.log.replication.factor=1
transaction.state.log.min.isr=1
transaction.state.log.num.partitions=4
share.coordinator.state.topic.replication.factor=1
share.coordinator.state.topic.min.isr=1
group.initial.rebalance.delay.ms=0
message.max.bytes=${16 * 1024 * 1024}
${settings.join('\n')}
`;
}
