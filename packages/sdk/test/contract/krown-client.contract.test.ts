import { krownClientContract } from '../../../core/test/contract/krown-client.contract.js'
import { newCommandId } from '../../src/index.js'
import { startSdkGateway } from '../support/sdk-gateway.js'

krownClientContract('KrownClient of the SDK, over a real server, by the contract', async () => {
  const gateway = await startSdkGateway()
  return {
    admin: await gateway.admin(),
    operator: await gateway.as({ role: 'operator' }),
    otherOperator: await gateway.as({ role: 'operator' }),
    readonly: await gateway.as({ role: 'readonly' }),
    auditor: await gateway.as({ role: 'readonly', auditScope: 'org' }),
    newCommandId,
    [Symbol.asyncDispose]: () => gateway[Symbol.asyncDispose](),
  }
})
