/** Statements that define tables, for one server or for all of a cluster. */

import type { ClickHouse } from './client.ts';

const DEFINITION =
  /^((?:\s|--.*\n)*)(CREATE DATABASE IF NOT EXISTS|CREATE TABLE IF NOT EXISTS|CREATE OR REPLACE VIEW|ALTER TABLE)(\s+)(\S+)/;
const ENGINE = /\bENGINE = (ReplacingMergeTree|MergeTree)\b/;

/**
 * The statement with the database's name for `{database}`; where there is a cluster, said to all its servers and with
 * engines whose rows they share. Paths of replicas are those of the servers' configuration. Throws for a statement of
 * another form, which would define something on one server alone.
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
