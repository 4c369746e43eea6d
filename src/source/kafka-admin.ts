/** Questions to the brokers that need no standing connection. */

import type { Admin, Kafka } from 'kafkajs';
import { KAFKA_RETRY } from './kafka-client.ts';

/** Lets `ask` put questions to the brokers, over a connection of its own. Throws what KafkaJS throws. */
export async function withAdmin<T>(kafka: Kafka, ask: (admin: Admin) => Promise<T>): Promise<T> {
  const admin = kafka.admin({ retry: KAFKA_RETRY });
  try {
    await admin.connect();
    return await ask(admin);
  } finally {
    await admin.disconnect().catch(() => undefined);
  }
}
