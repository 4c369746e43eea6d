/**
 * A member of a consumer group that reads until it is killed: it prints a line once it has joined.
 *
 *   node be-member.ts BROKER TOPIC GROUP FILE SESSION_TIMEOUT_MS
 */

import { systemClock } from '../../src/clock.ts';
import { KafkaSource } from '../../src/source/kafka-source.ts';

const [broker, topic, groupId, memberFile, sessionTimeoutMs] = process.argv.slice(2);
if (sessionTimeoutMs === undefined) {
  throw new Error('usage: be-member.ts BROKER TOPIC GROUP FILE SESSION_TIMEOUT_MS');
}

const source = new KafkaSource({
  brokers: [broker!],
  clientId: 'be-member',
  topic: topic!,
  groupId: groupId!,
  memberFile: memberFile!,
  sessionTimeoutMs: Number(sessionTimeoutMs),
  clock: systemClock,
  onProblem: (problem) => problem && process.stderr.write(`${problem.message}\n`),
  log: () => undefined,
});
for await (const { kind } of source.read(new AbortController().signal)) {
  if (kind === 'assignment') process.stdout.write('joined\n');
}
