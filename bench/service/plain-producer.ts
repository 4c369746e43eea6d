/**
 * Writes events to a Kafka topic at next to no cost, so that the machine is left to what is measured: kafkajs takes 22
 * µs of CPU per event if a few hundred are sent at a time, two thirds of what detecting takes.
 *
 * Only for a benchmark's own broker: no TLS, no compression, and any error is fatal. All replicas acknowledge a whole
 * chunk before the next is sent. Events of one key are in one partition.
 */

import { once } from 'node:events';
import { connect, type Socket } from 'node:net';
import type { Admin } from 'kafkajs';

import type { OutputWriter } from '../../replay/outputs.ts';
import { connectKafka } from '../../src/source/kafka-client.ts';
import { recordBatch } from './record-batch.ts';

const PRODUCE = 0;
/** The newest version whose fields have fixed-size lengths. */
const VERSION = 8;
const ACKS_ALL = -1;
const TIMEOUT_MS = 30_000;
const CLIENT = 'vigie-bench';

/** The topic must exist. */
export async function openPlainProducer(brokers: readonly string[], topic: string): Promise<OutputWriter> {
  const admin = connectKafka({ brokers, clientId: CLIENT, log: () => undefined }).admin();
  await admin.connect();
  const leaders = await leadersOf(admin, topic).finally(() => admin.disconnect());
  const connections = new Map<string, Connection>();
  for (const address of new Set(leaders)) connections.set(address, await Connection.open(address));
  return {
    write: async (chunk) => {
      const partitionOf = (i: number): number => hash(chunk.keys[i]!) % leaders.length;
      const batches = [...Map.groupBy(chunk.keys.keys(), partitionOf)].map(
        ([partition, indices]) => [partition, recordBatch(chunk, indices)] as const,
      );
      const byLeader = Map.groupBy(batches, ([partition]) => leaders[partition]!);
      await Promise.all([...byLeader].map(([address, own]) => connections.get(address)!.produce(topic, own)));
      return 'taken';
    },
    close: async () => connections.forEach((connection) => connection.close()),
  };
}

/** The leader's address, by partition. */
async function leadersOf(admin: Admin, topic: string): Promise<string[]> {
  const [{ brokers }, { topics }] = await Promise.all([
    admin.describeCluster(),
    admin.fetchTopicMetadata({ topics: [topic] }),
  ]);
  return topics[0]!.partitions
    .toSorted((a, b) => a.partitionId - b.partitionId)
    .map(({ leader }) => {
      const { host, port } = brokers.find(({ nodeId }) => nodeId === leader)!;
      return `${host}:${port}`;
    });
}

/** FNV-1a. */
function hash(key: string): number {
  let hashed = 0x811c9dc5;
  for (let i = 0; i < key.length; i += 1) hashed = Math.imul(hashed ^ key.charCodeAt(i), 0x01000193);
  return hashed >>> 0;
}

/** Sends one request at a time. */
class Connection {
  readonly #socket: Socket;
  readonly #received: AsyncIterator<Buffer>;
  #answer = Buffer.alloc(0);

  private constructor(socket: Socket) {
    this.#socket = socket;
    this.#received = socket[Symbol.asyncIterator]();
  }

  static async open(address: string): Promise<Connection> {
    const at = address.lastIndexOf(':');
    const socket = connect({
      host: address.slice(0, at),
      port: Number(address.slice(at + 1)),
      noDelay: true,
    });
    await once(socket, 'connect');
    return new Connection(socket);
  }

  close(): void {
    this.#socket.destroy();
  }

  /** Throws with Kafka's error code. */
  async produce(
    topic: string,
    batches: readonly (readonly [partition: number, batch: Buffer])[],
  ): Promise<void> {
    const parts: Buffer[] = [int16(PRODUCE), int16(VERSION), int32(0), text(CLIENT)];
    parts.push(int16(-1), int16(ACKS_ALL), int32(TIMEOUT_MS), int32(1), text(topic), int32(batches.length));
    for (const [partition, batch] of batches) parts.push(int32(partition), int32(batch.length), batch);
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    this.#socket.write(Buffer.concat([int32(length), ...parts]));
    const answer = await this.#answered();
    // After the correlation id, one topic and its name: an entry per partition, with the error after its number.
    let at = 4 + 4 + 2 + Buffer.byteLength(topic);
    const partitions = answer.readInt32BE(at);
    at += 4;
    for (let i = 0; i < partitions; i += 1) {
      const error = answer.readInt16BE(at + 4);
      if (error !== 0) throw new Error(`the broker refused a batch with error ${error}`);
      // Partition, error, base offset, append time, log start offset, no refused records, no reason.
      at += 4 + 2 + 8 + 8 + 8 + 4 + 2;
    }
  }

  /** The response without its length. */
  async #answered(): Promise<Buffer> {
    for (;;) {
      const length = this.#answer.length < 4 ? Infinity : 4 + this.#answer.readInt32BE(0);
      if (this.#answer.length >= length) {
        const answer = this.#answer.subarray(4, length);
        this.#answer = this.#answer.subarray(length);
        return answer;
      }
      const { value, done } = await this.#received.next();
      if (done === true) throw new Error('the broker closed the connection');
      this.#answer = Buffer.concat([this.#answer, value]);
    }
  }
}

function int16(value: number): Buffer {
  const bytes = Buffer.alloc(2);
  bytes.writeInt16BE(value);
  return bytes;
}

function int32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return bytes;
}

function text(value: string): Buffer {
  return Buffer.concat([int16(Buffer.byteLength(value)), Buffer.from(value)]);
}
