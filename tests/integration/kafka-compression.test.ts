/** Every codec against Kafka's own programs: what Java wrote is read here, what was written here Java reads. */

import kafkajs from 'kafkajs';
import { afterEach, expect, test } from 'vitest';
import { COMPRESSIONS } from '../../src/source/codecs/register.ts';
import { closeReaders, Reader } from '../support/kafka-reader.ts';
import { createTopic, produce, testKafka, uniqueName } from '../support/kafka-topics.ts';
import { kafkaProgram } from '../support/native-kafka.ts';

const kafka = testKafka();
const native = kafka?.kind === 'native';
const brokers = kafka?.brokers ?? [];
const CODECS = ['gzip', 'snappy', 'lz4', 'zstd'] as const;

afterEach(closeReaders);

/** Some that compress well and some that do not, together longer than a block of any codec. */
function lines(codec: string): string[] {
  return Array.from({ length: 3000 }, (_, i) =>
    JSON.stringify({ codec, i, path: '/demandeurs/recherche'.repeat(i % 7), rare: Math.sin(i).toString(36) }),
  );
}

/** How often the codec was asked from now on. */
function counted(codec: (typeof CODECS)[number]): { readonly times: () => number } {
  const type = COMPRESSIONS[codec];
  const lookUp = kafkajs.CompressionCodecs[type] as () => { decompress: (data: Buffer) => Promise<Buffer> };
  let times = 0;
  kafkajs.CompressionCodecs[type] = () => {
    const found = lookUp();
    return {
      ...found,
      decompress: (data: Buffer) => {
        times += 1;
        return found.decompress(data);
      },
    };
  };
  return { times: () => times };
}

test.runIf(native).each(CODECS)(
  'what Java’s producer compressed with %s is read',
  async (codec) => {
    const topic = uniqueName(codec);
    await createTopic(brokers, topic, 1);
    const settings = ['--producer-property', 'batch.size=500000', '--producer-property', 'linger.ms=200'];
    await kafkaProgram(
      'org.apache.kafka.tools.ConsoleProducer',
      ['--bootstrap-server', brokers.join(), '--topic', topic, '--compression-codec', codec, ...settings],
      lines(codec).join('\n'),
    );
    const reader = new Reader(topic);
    const uses = counted(codec);
    await reader.until(() => reader.seen.length >= 3000);
    expect(reader.values).toEqual(lines(codec));
    expect(uses.times()).toBeGreaterThan(0);
  },
  60_000,
);

test.runIf(native)(
  'what is compressed here is read by Java’s consumer and by this source, one codec after another',
  async () => {
    const topic = uniqueName('compressed');
    await createTopic(brokers, topic, 1);
    for (const codec of CODECS) {
      const messages = lines(codec).map((value) => ({ value }));
      await produce(brokers, topic, messages, COMPRESSIONS[codec]);
    }
    const written = CODECS.flatMap(lines);
    const options = ['--bootstrap-server', brokers.join(), '--topic', topic, '--from-beginning'];
    options.push('--max-messages', String(written.length));
    const read = await kafkaProgram('org.apache.kafka.tools.consumer.ConsoleConsumer', options);
    expect(read.trimEnd().split('\n')).toEqual(written);

    const reader = new Reader(topic);
    await reader.until(() => reader.seen.length >= written.length);
    expect(reader.values).toEqual(written);
  },
  60_000,
);
