import { defineConfig } from 'vitest/config';

// Tests that need real servers are a project of their own: only they start the servers.
const withServers = ['tests/integration/**/*.test.ts', 'tests/faults/**/*.test.ts'];

export default defineConfig({
  test: {
    // One data folder of the embedded engine belongs to one process at a time.
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 120_000,
    projects: [
      { extends: true, test: { name: 'pure', include: ['tests/**/*.test.ts'], exclude: withServers } },
      {
        extends: true,
        test: { name: 'servers', include: withServers, globalSetup: 'tests/support/global-setup.ts' },
      },
    ],
  },
});
