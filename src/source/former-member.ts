/**
 * The name that this process had in its consumer group before. A member whose coordinator died, or that was killed,
 * says no goodbye, and the group waits a whole session timeout for it while nobody reads. So who joins anew first
 * says goodbye under the name that it had; a file keeps that over a death.
 *
 * A name that somebody still has (two processes with one file) costs that one a rebalance: it joins again.
 */

import { readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { Broker, Cluster } from 'kafkajs';
import { z } from 'zod';
import { makeFolder } from '../make-folder.ts';
import { isOfType } from './kafka-errors.ts';

/** Of KafkaJS, whose types do not tell of it. */
type LeavableBroker = Broker & {
  leaveGroup(request: { groupId: string; memberId: string }): Promise<unknown>;
};

const SAVED = z.object({ groupId: z.string(), memberId: z.string() });

export class FormerMember {
  readonly #groupId: string;
  readonly #file: string | undefined;
  #memberId: string | undefined;
  #isLoaded = false;

  /** `file`: where the name is kept; without one it is forgotten with the process. */
  constructor(groupId: string, file: string | undefined) {
    this.#groupId = groupId;
    this.#file = file;
  }

  /**
   * To be called between a consumer's subscription and its joining, with its connections: without a topic of its own it
   * would ask for all of the cluster, and fail where any of them is out of order. Throws unless the group has nothing to
   * wait for.
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

  /** Throws what the file system throws. */
  async joined(memberId: string): Promise<void> {
    this.#memberId = memberId;
    if (this.#file === undefined) return;
    makeFolder(dirname(this.#file));
    await writeFile(this.#file, JSON.stringify({ groupId: this.#groupId, memberId }), { mode: 0o600 });
  }

  /** Whatever else stands there, or nothing, is no name: then the group waits. */
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
