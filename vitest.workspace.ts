import { defineConfig } from 'vitest/config'

const reportFile = process.env.TEST_REPORT_FILE
/** One PostgreSQL for all files of a project; each file makes its own database on it. */
const postgres = { globalSetup: ['@krown/testkit/postgres-global-setup'] }

const project = (
  name: string,
  root: string,
  options: { globalSetup?: string[]; include?: string[] } = {},
) => ({
  extends: true as const,
  test: { name, root, include: ['src/**/*.test.ts', 'test/**/*.test.ts'], ...options },
})

export default defineConfig({
  test: {
    // Suites start real servers: more workers than cores would only make them wait for each other.
    maxWorkers: 2,
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: reportFile ? ['default', ['json', { outputFile: reportFile }]] : ['default'],
    projects: [
      project('testkit', './testkit'),
      project('core', './packages/core', postgres),
      project('server', './packages/server', postgres),
      project('sdk', './packages/sdk'),
      project('cli', './packages/cli'),
      project('examples', './examples', { include: ['**/*.test.ts'] }),
    ],
  },
})
