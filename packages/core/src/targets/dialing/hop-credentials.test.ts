import { inspect } from 'node:util'
import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import type { SystemActor } from '../../model/actor.js'
import type { OrgId, TargetId, UserId } from '../../model/ids.js'
import type { UnsettledPlan } from './dial-plan.js'
import { HopCredentials } from './hop-credentials.js'

const id = newId<TargetId>()
const login = { name: 'web1', host: '192.0.2.1', port: 22, username: 'root' }
const plan: UnsettledPlan = {
  jumps: [],
  last: {
    ...login,
    auth: { kind: 'wanted', target: { id, ...login, tags: [] } },
    legacyAlgorithms: false,
    targetId: id,
    via: null,
  },
}
const actor: SystemActor = {
  kind: 'system',
  orgId: newId<OrgId>(),
  userId: newId<UserId>(),
  username: 'system',
  clientIp: null,
}

/** What a provider that fails so makes of `settle`, as a logger may print it. */
async function printedFailure(thrown: unknown): Promise<string> {
  const credentials = new HopCredentials({
    secrets: { secretFor: () => Promise.reject(new Error('nothing is stored')) },
    provider: { credentialFor: () => Promise.reject(thrown) },
    keys: { read: () => Promise.reject(new Error('no key is read')) },
    clock: new FakeClock(),
    timeoutMs: 1_000,
  })
  const error = await credentials.settle(actor, plan).catch((reason: unknown) => reason)
  expect(error).toMatchObject({ code: 'UNAVAILABLE' })
  return inspect(error, { depth: null, showHidden: true })
}

class VaultError extends Error {
  override readonly name = 'VaultError'
  readonly code = 'E_SEALED'
  readonly request = { headers: { 'x-vault-token': 's3cr3t' } }
}

test("a provider's error is kept by its name and code, without what it says", async () => {
  const cause = new Error('token s3cr3t')
  const printed = await printedFailure(new VaultError('403 for token s3cr3t', { cause }))
  expect(printed).toContain('VaultError')
  expect(printed).toContain('E_SEALED')
  expect(printed).not.toContain('s3cr3t')
})

test.each(['s3cr3t', { message: 's3cr3t', code: { of: 's3cr3t' } }, null])(
  'of what is no error nothing is kept: %j',
  async (thrown) => {
    expect(await printedFailure(thrown)).not.toContain('s3cr3t')
  },
)
