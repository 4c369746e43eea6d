/**
 * Sending to several partitions at once.
 *
 * Guarantee: `sendWhole` resolves once all in-sync replicas have every message, those of a partition in the order
 * given. What is tried again is sent as a whole, so messages that were taken before are there twice.
 */

import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Producer, ProducerRecord } from 'kafkajs';
import { backoffMs } from '../backoff.ts';
import { KAFKA_RETRY } from '../source/kafka-client.ts';

/**
 * Of a producer that `sendWhole` sends with. KafkaJS, trying again, leaves out each broker that has acknowledged its
 * part, and so what has got that broker for its leader since, and says that all was sent.
 */
export const SENT_ONCE = { retries: 0 };

/** Throws what KafkaJS throws. */
export async function sendWhole(producer: Producer, record: Omit<ProducerRecord, 'acks'>): Promise<void> {
  const { initialRetryTime: baseMs, maxRetryTime: maxMs, retries } = KAFKA_RETRY;
  for (let attempt = 1; ; attempt += 1) {
    try {
      await producer.send({ ...record, acks: -1 });
      return;
    } catch (error) {
      const mayPass = error instanceof kafkajs.KafkaJSNumberOfRetriesExceeded;
      if (!mayPass || attempt > retries) throw error;
    }
    await delay(backoffMs(attempt, { baseMs, maxMs, random: Math.random }));
  }
}
