/** Checks whether a topic keeps all of its messages, and for as long as the rules look back. */

import { withAdmin } from './kafka-admin.ts';
import { connectKafka, type KafkaConnection, type Log } from './kafka-client.ts';
import { isCompacted, retentionOf } from './kafka-topics.ts';

const DAY_MS = 86_400_000;

/**
 * Warns if events may vanish unread, or if a start without saved state could not rebuild whole windows. `neededMs`: how
 * far back such a start reads; undefined if it does not. Checks once and never throws.
 */
export async function warnOfShortInput(
  connection: KafkaConnection,
  topic: string,
  neededMs: number | undefined,
  log: Log,
): Promise<void> {
  await withAdmin(connectKafka(connection), async (admin) => {
    if (await isCompacted(topic, admin)) {
      log(
        'warn',
        'the topic is compacted: brokers delete events that have a newer one of their key, read or not',
        {
          code: 'INPUT_COMPACTED',
          topic,
          remedy:
            'Set cleanup.policy=delete on the topic: what is deleted before it is read nobody examines.',
        },
      );
    }
    if (neededMs === undefined) return;
    const keptMs = await retentionOf(topic, admin);
    if (keptMs === undefined || keptMs >= neededMs) return;
    const [keptDays, neededDays] = [keptMs, neededMs].map((ms) => Math.ceil(ms / DAY_MS));
    log('warn', 'the topic keeps less than the rules look back: a start without saved state misses alerts', {
      code: 'INPUT_RETENTION',
      topic,
      keptDays,
      neededDays,
      remedy:
        'Raise retention.ms of the topic, and keep the data folder on a volume that outlives the process.',
    });
  }).catch(() => undefined /* Trouble with the brokers is reported by whoever reads from them. */);
}
