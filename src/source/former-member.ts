/**
 * The member id under which this process was in its consumer group before. A member that was killed, or whose
 * coordinator died, does not leave the group, which then waits a whole session timeout for it while nobody reads.
 * Therefore a process that joins anew first leaves under its former id, which a file keeps across restarts.
 *
 * If the id is still in use (two processes with one file), its user pays with a rebalance: it joins again.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Broker, Cluster } from 'kafkajs';
import { z } from 'zod';
import { makeFolder } from '../make-folder.ts';
import { isOfType } from './kafka-errors.ts';

/** A method of KafkaJS that its types omit. */
type LeavableBroker = Broker & {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
};

const SAVED = z.object({ groupId: z.string(), memberId: z.string() });

export class FormerMember {
  readonly #groupId: string;
  readonly #file: string | undefined;
  #memberId: string | undefined;
  #isLoaded = false;

  /** `file`: keeps the member id; without it the id is forgotten when the process ends. */
  constructor(groupId: string, file: string | undefined) {
    this.#groupId = groupId;
    this.#file = file;
  }

  /**
   * Call it after the consumer has subscribed and before it joins, with the consumer's connections: without a topic of
   * their own they would request all topics of the cluster, and fail if any of these is out of order. Throws unless the
   * group has nothing to wait for.
   */
  async leave(cluster: Cluster): Promise<void> {
    const groupId = this.#groupId;
    if (!this.#isLoaded) this.#memberId = await this.#load();
    this.#isLoaded = true;
    const memberId = this.#memberId;
    if (memberId === undefined) return;
    try {
      const coordinator = await cluster.findGroupCoordinator({ groupId });
      await (coordinator as LeavableBroker).leaveGroup({ groupId, memberId });
    } catch (error) {
      if (!isOfType(error, 'UNKNOWN_MEMBER_ID')) throw error;
    }
    this.#memberId = undefined;
  }

  /** Records the member id. Throws what the file system throws. */
  async joined(memberId: string): Promise<void> {
    this.#memberId = memberId;
    if (this.#file === undefined) return;
    makeFolder(dirname(this.#file));
    await writeFile(this.#file, JSON.stringify({ groupId: this.#groupId, memberId }), { mode: 0o600 });
  }

  /** A missing file, or any other content, counts as no id: the group then waits. */
  async #load(): Promise<string | undefined> {
    if (this.#file === undefined) return undefined;
    try {
      const { groupId, memberId } = SAVED.parse(JSON.parse(await readFile(this.#file, 'utf8')));
      return groupId === this.#groupId ? memberId : undefined;
    } catch {
      return undefined;
    }
  }
}
