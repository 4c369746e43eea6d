/** Statements that define tables, on one server or on all servers of a cluster. */

import type { ClickHouse } from './client.ts';

const DEFINITION =
  /^((?:\s|--.*\n)*)(CREATE DATABASE IF NOT EXISTS|CREATE TABLE IF NOT EXISTS|CREATE OR REPLACE VIEW|ALTER TABLE)(\s+)(\S+)/;
const ENGINE = /\bENGINE = (ReplacingMergeTree|MergeTree)\b/;

/**
 * Fills the database name into a statement. With a cluster, the statement runs on all its servers, with replicated
 * engines. Replica paths come from the servers' configuration. Throws for any other form of statement, which would
 * define something on one server alone.
 */
export function ddlOf(
  statement: string,
  { database, cluster }: Pick<ClickHouse, 'database' | 'cluster'>,
): string {
  const named = statement.replaceAll('{database}', database);
  if (cluster === undefined) return named;
  if (!DEFINITION.test(named)) throw new Error(`not known how a cluster is told: ${named}`);
  return named
    .replace(DEFINITION, (_, comment: string, what: string, space: string, name: string) =>
      [comment, what, space, name, ` ON CLUSTER '${cluster}'`].join(''),
    )
    .replace(ENGINE, 'ENGINE = Replicated$1');
}
