import { describe, expect, test } from 'vitest';
import { ddlOf } from '../../../src/sink/ddl.ts';
import { readMigrations, SCHEMA_MIGRATIONS, statementsOf } from '../../../src/sink/migrate.ts';

const statements = [SCHEMA_MIGRATIONS, ...(await readMigrations()).flatMap(({ sql }) => statementsOf(sql))];

describe('what defines tables', () => {
  test('names the database, and on one server nothing else', () => {
    for (const statement of statements) {
      const said = ddlOf(statement, { database: 'portals', cluster: undefined });
      expect(said).toBe(statement.replaceAll('{database}', 'portals'));
      expect(said).not.toContain('{');
    }
  });

  test('is said to every server of a cluster, and makes no table whose rows stay on one', () => {
    for (const statement of statements) {
      const said = ddlOf(statement, { database: 'portals', cluster: '{cluster}' });
      expect(said.match(/ ON CLUSTER '\{cluster\}'/g)).toHaveLength(1);
      expect(said).not.toMatch(/ENGINE = (?!Replicated)/);
      if (said.includes('CREATE TABLE')) expect(said).toMatch(/ENGINE = Replicated(Replacing)?MergeTree/);
    }
  });

  test('is refused on a cluster when it is not known how that is told', () => {
    const cluster = { database: 'portals', cluster: 'c' };
    expect(() => ddlOf('DROP TABLE {database}.alerts', cluster)).toThrow('DROP TABLE portals.alerts');
  });
});
