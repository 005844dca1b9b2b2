// The augmentation below needs the module loaded.
import type {} from 'vitest'
import type { TestProject } from 'vitest/node'
import { findPostgres } from './find-postgres.js'
import { startPostgres } from './start-postgres.js'

declare module 'vitest' {
  export interface ProvidedContext {
    /** Undefined where there are no PostgreSQL binaries (never in CI). */
    postgresUrl: string | undefined
  }
}

/** For vitest's `globalSetup`: one PostgreSQL for the whole run; each test file makes its own database on it. */
export default async function setup(project: TestProject): Promise<(() => Promise<void>) | undefined> {
  if (!(await findPostgres())) return undefined
  const server = await startPostgres()
  project.provide('postgresUrl', server.url())
  return () => server.stop()
}
