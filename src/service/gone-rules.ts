/**
 * Ends the open alerts of rules that were changed or removed, if no process is left to do so: after a start or a
 * rebalance. (A process that takes other rules while it runs ends their alerts itself.)
 *
 * Guarantee: an alert is ended only if its rule was in force here and, in the form it had then, is missing from a set
 * that was loaded without faults. An alert that the changed rule raises as well continues under its id with the next
 * event. A set in which no rule raises alerts ends nothing, since it is more likely a mistake. Of the processes that
 * divide an input, the one that reads partition 0 does this; doing it twice would write the same rows. A failure is
 * retried later, and nothing waits for it.
 */

import type { Logger } from 'pino';
import { withoutRule } from '../alert/episode.ts';
import { alertingHashes } from '../detect/firing-hash.ts';
import { messageOf, VigieError } from '../errors.ts';
import type { Metrics } from '../metrics/registry.ts';
import type { RuleSet } from '../sigma/rule.ts';
import type { RuleRecord } from '../sink/rule-record.ts';

const RETRY_MS = 30_000;
const LEFT_REMEDY =
  'Nothing, if they run. If not (another group or topic took their place), note that they are gone, or those alerts stay open for ever: docs/recovery.md, Rules that are gone after a start.';

export interface GoneRulesOptions {
  readonly record: RuleRecord;
  readonly ruleSet: RuleSet;
  /** True if no row is waiting that would reopen an ended alert. */
  readonly isClear: () => boolean;
  readonly metrics: Metrics;
  readonly logger: Logger;
  /** Once it aborts, nothing new is begun and no server is waited for. */
  readonly stop: AbortSignal;
}

export class GoneRules {
  readonly #options: GoneRulesOptions;
  /** Rule key → hash of everything that decides its firings. */
  #rules: ReadonlyMap<string, string>;
  /** Whether to end alerts, or only to note the rules in force. */
  #ends = false;
  #due = false;
  #looking: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(options: GoneRulesOptions) {
    this.#options = options;
    this.#rules = alertingHashes(options.ruleSet);
  }

  /** The partitions of the input have changed. */
  assigned(partitions: readonly number[]): void {
    this.#ends = partitions.includes(0);
    this.#look();
  }

  /** The rules have changed. */
  inForce(ruleSet: RuleSet): void {
    this.#rules = alertingHashes(ruleSet);
    this.#look();
  }

  /** Waits for work in progress. */
  async close(): Promise<void> {
    clearTimeout(this.#retry);
    await this.#looking;
  }

  #look(): void {
    clearTimeout(this.#retry);
    this.#due = true;
    this.#looking ??= this.#lookWhileDue().finally(() => {
      this.#looking = undefined;
    });
  }

  async #lookWhileDue(): Promise<void> {
    const { isClear, logger, stop } = this.#options;
    while (this.#due && !stop.aborted) {
      this.#due = false;
      try {
        if (this.#rules.size === 0 || (isClear() && (await this.#lookOnce()))) continue;
      } catch (error) {
        if (stop.aborted) return;
        const code = error instanceof VigieError ? error.code : 'RULES_NOT_NOTED';
        logger.warn(
          { code, reason: messageOf(error) },
          'it cannot be seen now whether alerts of rules that are gone are open: trying again',
        );
      }
      this.#retry = setTimeout(() => this.#look(), RETRY_MS).unref();
    }
  }

  async #lookOnce(): Promise<true> {
    const { record, logger, metrics, stop } = this.#options;
    const rules = this.#rules;
    if (this.#ends) {
      this.#ends = false;
      // After a failure this is still to be done.
      const ended = await this.#end(rules).catch((error: unknown) => {
        this.#ends = true;
        throw error;
      });
      for (const { alertId, rule, title, level, status, resolution } of ended) {
        metrics.alerts.inc({ rule, level, status });
        logger.info({ alertId, rule, severity: level, status, resolution }, `alert resolved: ${title}`);
      }
    }
    await record.note(rules, stop);
    return true;
  }

  async #end(rules: ReadonlyMap<string, string>) {
    const { record, logger, metrics, stop } = this.#options;
    const { alerts, left } = await record.orphans(rules, stop);
    for (const [rule, detectors] of left) {
      logger.warn(
        { code: 'RULE_ELSEWHERE', rule, detectors, remedy: LEFT_REMEDY },
        'open alerts of a rule that is gone here are left to others that were seen with that rule',
      );
    }
    const ended = alerts.map((alert) =>
      withoutRule(alert, rules.has(alert.rule) ? 'rule_changed' : 'rule_gone'),
    );
    if (ended.length > 0) {
      await record.store(ended, stop);
      metrics.sinkBatches.inc({ table: 'alerts' });
      metrics.sinkRows.inc({ table: 'alerts' }, ended.length);
    }
    return ended;
  }
}
