import { newId } from '../../src/base/ids.js'
import { describeOnBothDatabases } from '../support/databases.js'
import { krownStarter } from '../support/krown-fixture.js'
import { krownClientContract } from './krown-client.contract.js'

describeOnBothDatabases('KrownClient in process', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)
  krownClientContract('by the contract', async () => {
    const fixture = await start({ config: { ssh: { maxSessionOpensPerMinute: 10_000 } } })
    return {
      admin: fixture.admin,
      operator: fixture.operator,
      otherOperator: fixture.as('otherOperator'),
      readonly: fixture.as('readonly'),
      auditor: fixture.as('auditor'),
      newCommandId: newId,
      [Symbol.asyncDispose]: () => fixture[Symbol.asyncDispose](),
    }
  })
})
