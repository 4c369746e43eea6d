/**
 * Dead members of a consumer group, taken out of it. A process that was killed says no goodbye, so its group waits
 * for the session timeout, half a minute. Here somebody who knows that it is dead says goodbye in its place, which
 * is for the broker the same: a member that is gone, and a rebalance. Seconds instead of half a minute, and the
 * processes under test keep the settings that they ship with.
 */

import { once } from 'node:events';
import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import type { Admin } from 'kafkajs';

const LEAVE_GROUP = 13;
/** Less than a process needs to get from its start to its group. */
const LAST_REQUESTS_MS = 250;

export async function membersOf(admin: Admin, groupId: string): Promise<string[]> {
  const { groups } = await admin.describeGroups([groupId]);
  return groups.flatMap(({ members }) => members.map(({ memberId }) => memberId));
}

/**
 * All members that are not alive, and those that become one within a while: what a process sent at last is dealt with
 * after its death. Whoever starts now is not there before that.
 */
export async function removeDead(
  admin: Admin,
  brokers: readonly string[],
  groupId: string,
  isAlive: (memberId: string) => boolean,
): Promise<void> {
  const until = Date.now() + LAST_REQUESTS_MS;
  for (let found = 1; found > 0 || Date.now() < until;) {
    const dead = (await membersOf(admin, groupId)).filter((memberId) => !isAlive(memberId));
    // Those that do not coordinate the group refuse.
    for (const memberId of dead) {
      await Promise.all(brokers.map((broker) => leaveGroup(broker, groupId, memberId)));
    }
    found = dead.length;
    await delay(20);
  }
}

/** LeaveGroup in its version 1; KafkaJS sends it only for a member of its own. */
async function leaveGroup(broker: string, groupId: string, memberId: string): Promise<void> {
  const [host, port] = broker.split(':') as [string, string];
  const head = Buffer.alloc(8);
  head.writeInt16BE(LEAVE_GROUP, 0);
  head.writeInt16BE(1, 2);
  head.writeInt32BE(1, 4);
  const request = Buffer.concat([head, text('vigie-faults'), text(groupId), text(memberId)]);
  const length = Buffer.alloc(4);
  length.writeInt32BE(request.length);
  const socket = connect(Number(port), host);
  socket.write(Buffer.concat([length, request]));
  await once(socket, 'data');
  socket.destroy();
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
