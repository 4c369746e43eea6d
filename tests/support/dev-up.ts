/**
 * `npm run dev:up [-- --port N]`: a Kafka broker in the foreground for trying things out. Its data stays in
 * `.vigie/kafka`.
 */

import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/errors.ts';
import { startNativeKafka } from './native-kafka.ts';

const USAGE = `npm run dev:up [-- --port N]: a Kafka broker for trying things out (port 9092 unless told otherwise)`;

const port = requestedPort();

try {
  console.error('Starting Kafka (the first time its jars are fetched with Maven)…');
  const kafka = await startNativeKafka({ port, dataFolder: join(process.cwd(), '.vigie', 'kafka') });
  const brokers = kafka.brokers.join(',');
  console.log(`Kafka is ready on ${brokers}. In another terminal:

  KAFKA_BROKERS=${brokers} npm run -s vigie -- replay kairos-2025 --to kafka
  KAFKA_BROKERS=${brokers} VIGIE_PSEUDONYM_KEY=$(openssl rand -hex 16) npm run -s vigie -- run

Ctrl-C stops it; its data stays in .vigie/kafka.`);
  let asked = false;
  const stop = (): void => {
    asked = true;
    void kafka.stop();
  };
  process.once('SIGINT', stop);
  process.once('SIGTERM', stop);
  await kafka.ended;
  if (!asked) throw new Error('the broker ended by itself; see .vigie/kafka/broker.log');
} catch (error) {
  console.error(`Kafka: ${messageOf(error)}`);
  process.exitCode = 1;
}

/** Ends the process after printing the help, or on wrong usage. */
function requestedPort(): number {
  try {
    const { values } = parseArgs({
      options: { port: { type: 'string', default: '9092' }, help: { type: 'boolean', short: 'h' } },
    });
    if (values.help) {
      console.log(USAGE);
      process.exit(0);
    }
    const number = Number(values.port);
    if (Number.isInteger(number) && number >= 1 && number <= 65_535) return number;
    return refuse(`--port ${values.port}: a port is a whole number from 1 to 65535`);
  } catch (error) {
    return refuse(messageOf(error));
  }
}

function refuse(why: string): never {
  console.error(`${why}\n${USAGE}`);
  process.exit(2);
}
