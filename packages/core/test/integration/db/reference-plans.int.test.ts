import { CompiledQuery } from 'kysely'
import { expect, test } from 'vitest'
import { describeOnPostgres } from '../../support/databases.js'
import { explain } from './recording.js'

/** Tables that others name together with the organization, by the key that they name. */
const NAMED = { credentials: 'credentials_org_id_id_unique', targets: 'targets_org_id_id_unique' }

describeOnPostgres('what a foreign key names', (openTestDatabase) => {
  // A connection keeps the plan that it made then, and would read the whole organization for each new row.
  test('is looked up by that key from the first row on', async () => {
    await using opened = await openTestDatabase()
    for (const [table, key] of Object.entries(NAMED)) {
      const schema = opened.place.kind === 'postgres' ? opened.place.schema : ''
      const lookUp = `select 1 from only "${schema}"."${table}" x where org_id = $1 and id = $2 for key share of x`
      const plan = (
        await explain(opened.database, CompiledQuery.raw(lookUp, ['an organization', 'a row']))
      ).join()
      expect(plan).toContain(`Index Scan using ${key}`)
      expect(plan).toContain("((org_id = 'an organization'::text) AND (id = 'a row'::text))")
    }
  })
})
