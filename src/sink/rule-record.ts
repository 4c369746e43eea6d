/**
 * What the database knows about rules: which ones each detector has, and had, in force. From this follow the orphans:
 * open alerts that no process continues, because their rule was changed, removed or renamed while none ran.
 *
 * Invariant: an alert is returned only if its rule was once in force for this detector, is now gone or has another hash
 * than the alert, and is in force for no other detector. Rules unknown to this database may belong to anybody, and are
 * left alone.
 */

import type { Alert } from '../alert/alert.ts';
import { ALERT_SELECT_LIST, alertFromRow, alertToRow } from './alert-row.ts';
import { failing } from './classify.ts';
import type { ClickHouse } from './client.ts';
import { insertRows, selectRows } from './json-rows.ts';

interface Entry {
  readonly detector: string;
  readonly rule: string;
  readonly in_force: boolean;
}

export interface Orphans {
  readonly alerts: readonly Alert[];
  /** Rules gone since they were noted → other detectors that have them in force. Their open alerts stay. */
  readonly left: ReadonlyMap<string, readonly string[]>;
}

/** Methods throw a VigieError of ClickHouse, and may then be called again. Calls must not overlap. */
export class RuleRecord {
  readonly #clickHouse: ClickHouse;
  readonly #detector: string;

  /** `detector`: shared by all processes that divide one input, and by no others. */
  constructor(clickHouse: ClickHouse, detector: string) {
    this.#clickHouse = clickHouse;
    this.#detector = detector;
  }

  /** Records that these rules, by key, are in force, and that this detector's others are gone. */
  async note(rules: ReadonlyMap<string, string>, signal?: AbortSignal): Promise<void> {
    const known = new Map<string, boolean>();
    for (const { detector, rule, in_force } of await this.#entries(signal)) {
      if (detector === this.#detector) known.set(rule, in_force);
    }
    const values = [
      ...[...rules.keys()].filter((rule) => known.get(rule) !== true).map((rule) => this.#entry(rule, true)),
      ...[...known]
        .filter(([rule, inForce]) => inForce && !rules.has(rule))
        .map(([rule]) => this.#entry(rule, false)),
    ];
    if (values.length > 0) await this.#insert('rules_in_force', values, signal);
  }

  /** Open alerts of rules that were this detector's and are missing here, or have another hash here. */
  async orphans(rules: ReadonlyMap<string, string>, signal?: AbortSignal): Promise<Orphans> {
    /** Rule → whether it is in force. */
    const own = new Map<string, boolean>();
    const elsewhere = new Map<string, string[]>();
    const left = new Map<string, readonly string[]>();
    const alerts: Alert[] = [];
    for (const { detector, rule, in_force } of await this.#entries(signal)) {
      if (detector !== this.#detector) {
        if (in_force) elsewhere.set(rule, [...(elsewhere.get(rule) ?? []), detector]);
      } else own.set(rule, in_force);
    }
    if (own.size === 0) return { alerts, left };
    const table = `${this.#clickHouse.database}.alerts`;
    const open = await this.#rows<{ rule: string; hash: string }>(
      `SELECT DISTINCT rule, rule_hash AS hash FROM ${table} FINAL WHERE status = 'firing'`,
      {},
      signal,
    );
    for (const { rule, hash } of open) {
      // Alerts from before there were hashes do not name a version of the rule.
      const goesOn = rules.has(rule) && (hash === '' || hash === rules.get(rule));
      if (goesOn || !own.has(rule)) continue;
      const detectors = elsewhere.get(rule);
      if (detectors !== undefined) {
        if (own.get(rule) === true && !rules.has(rule)) left.set(rule, detectors);
        continue;
      }
      const rows = await this.#rows<Record<string, unknown>>(
        `SELECT ${ALERT_SELECT_LIST} FROM ${table} FINAL WHERE status = 'firing' AND rule = {rule:String} AND rule_hash = {hash:String}`,
        { rule, hash },
        signal,
      );
      alerts.push(...rows.map(alertFromRow));
    }
    return { alerts, left };
  }

  /** Stores the final states of orphans. */
  async store(alerts: readonly Alert[], signal?: AbortSignal): Promise<void> {
    await this.#insert('alerts', alerts.map(alertToRow), signal);
  }

  #entry(rule: string, inForce: boolean): Entry {
    return { detector: this.#detector, rule, in_force: inForce };
  }

  #entries(signal: AbortSignal | undefined): Promise<Entry[]> {
    return this.#rows(
      `SELECT detector, rule, in_force FROM ${this.#clickHouse.database}.rules_in_force FINAL`,
      {},
      signal,
    );
  }

  #insert(table: string, values: readonly object[], signal: AbortSignal | undefined): Promise<void> {
    return insertRows(this.#clickHouse, table, values, signal).catch(
      failing(`writing ${values.length} rows to ${table}`, this.#clickHouse),
    );
  }

  #rows<Row>(
    query: string,
    params: Record<string, unknown>,
    signal: AbortSignal | undefined,
  ): Promise<Row[]> {
    return selectRows<Row>(this.#clickHouse, query, params, signal).catch(
      failing('reading which rules are in force', this.#clickHouse),
    );
  }
}
