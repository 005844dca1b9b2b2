import { startPostgres } from '@krown/testkit/start-postgres'
import { compareBursts } from './lib/compare-bursts.js'
import type { Scenario } from './lib/scenario.js'

/** What testkit turns off for tests, which no production database would. */
const DURABLE = { fsync: 'on', full_page_writes: 'on', shared_buffers: '128MB' }

export const scenario: Scenario = {
  name: 'in-flight-postgres',
  title:
    '64 commands in flight over 32 sessions, both rows of each durable in PostgreSQL on the same machine',
  run: async () => {
    await using postgres = await startPostgres({ settings: DURABLE })
    return await compareBursts({ databaseUrl: postgres.url() }, {})
  },
}
