/**
 * What the database knows of rules: which ones each detector has, and had, in force. From it follow the open alerts
 * that nobody goes on with, because their rule was changed, removed or renamed while no process held them.
 *
 * Invariant: an alert is only given where its rule was once this detector's, is not now or fires by other things than
 * those by which it was found, and is no other detector's. Rules that this database never heard of may be anybody's,
 * and are left alone.
 */

import type { Alert } from '../alert/alert.ts';
import { ALERT_SELECT_LIST, alertFromRow, alertToRow } from './alert-row.ts';
import { clickHouseFailure } from './classify.ts';
import type { ClickHouse } from './client.ts';
import { insertRows, selectRows } from './json-rows.ts';

interface Entry {
  readonly detector: string;
  readonly rule: string;
  readonly in_force: boolean;
}

export interface Orphans {
  readonly alerts: readonly Alert[];
  /** Rules that went since they were noted, and the other detectors that have these in force: their open alerts stay. */
  readonly left: ReadonlyMap<string, readonly string[]>;
}

/** Methods throw a VigieError of ClickHouse, and may be called again. Calls come one after the other. */
export class RuleRecord {
  readonly #clickHouse: ClickHouse;
  readonly #detector: string;

  /** `detector`: the same for all processes that divide one input, and no others. */
  constructor(clickHouse: ClickHouse, detector: string) {
    this.#clickHouse = clickHouse;
    this.#detector = detector;
  }

  /** Takes note that these rules, by key, are those in force, and that the others are gone. */
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

  /** Open alerts of rules that were this detector's and are not among these, or have another hash there. */
  async orphans(rules: ReadonlyMap<string, string>, signal?: AbortSignal): Promise<Orphans> {
    /** Whether it is in force. */
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
      // Which rule found those of before there was a hash is not known.
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

  /** Stores what became of them. */
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

  async #insert(table: string, values: readonly object[], signal: AbortSignal | undefined): Promise<void> {
    try {
      await insertRows(this.#clickHouse, table, values, signal);
    } catch (error) {
      throw clickHouseFailure(
        error,
        `writing ${values.length} rows to ${table} at ${this.#clickHouse.place}`,
      );
    }
  }

  async #rows<Row>(
    query: string,
    params: Record<string, unknown>,
    signal: AbortSignal | undefined,
  ): Promise<Row[]> {
    try {
      return await selectRows<Row>(this.#clickHouse, query, params, signal);
    } catch (error) {
      throw clickHouseFailure(error, `reading which rules are in force at ${this.#clickHouse.place}`);
    }
  }
}
