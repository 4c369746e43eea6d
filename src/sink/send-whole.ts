/**
 * Sends to several partitions at once.
 *
 * Guarantee: `sendWhole` resolves once all in-sync replicas have every message, those of a partition in the order
 * given. A retry sends all messages again, so those that were already taken are there twice.
 */

import { setTimeout as delay } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { Producer, ProducerRecord } from 'kafkajs';
import { backoffMs } from '../backoff.ts';
import { KAFKA_RETRY } from '../source/kafka-client.ts';

/**
 * Retry settings for a producer of `sendWhole`. When KafkaJS itself retries, it skips every broker that has
 * acknowledged its part, and with it partitions whose leadership has since moved to that broker, yet reports that all
 * was sent.
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
