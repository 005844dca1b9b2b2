import { expect, test } from 'vitest'
import { newId } from '../../base/ids.js'
import { KrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { SshConnection, SshConnector, SshConnectRequest } from '../../ssh/connector.js'
import type { DialPlan } from './dial-plan.js'
import { TargetDialer, type TargetDialerDeps } from './target-dialer.js'

const SHOWN = { algorithm: 'ssh-ed25519', fingerprint: `SHA256:${'A'.repeat(43)}` }
const actor = { orgId: newId(), userId: newId() } as unknown as Actor
const plan = {
  jumps: [],
  last: {
    ...{ name: 'web1', host: '192.0.2.1', port: 22, username: 'root' },
    ...{ auth: {}, legacyAlgorithms: false, targetId: newId(), via: null },
  },
} as unknown as DialPlan

/** A connector that shows the host key only when it is told to, and remembers why connections were closed. */
function dialerOf(asks: boolean) {
  const closed: KrownError[] = []
  const connection = {
    hostKey: SHOWN,
    close: async (reason: KrownError) => void closed.push(reason),
  } as unknown as SshConnection
  const connector = {
    connect: async ({ verifyHostKey }: SshConnectRequest) => {
      if (asks) await verifyHostKey(SHOWN as never)
      return connection
    },
  } as unknown as SshConnector
  const deps = {
    connector,
    outbound: { checkRequest: () => undefined },
    hostKeys: {
      expected: async () => ({ types: [], fingerprints: [] }),
      verify: async () => ({ fingerprint: SHOWN.fingerprint, newlyPinned: true }),
    },
    credentials: { authFor: async () => ({}) },
  } as unknown as TargetDialerDeps
  return { dialer: new TargetDialer(deps), connection, closed }
}

const signal = new AbortController().signal

test('a target is connected to with the host key that was verified', async () => {
  const { dialer, connection, closed } = dialerOf(true)
  const dialled = await dialer.dial(actor, plan, { signal })
  expect(dialled).toEqual({ connection, key: { fingerprint: SHOWN.fingerprint, newlyPinned: true } })
  expect(closed).toEqual([])
})

test('a connection whose host key nobody verified is closed, and nobody gets it', async () => {
  const { dialer, closed } = dialerOf(false)
  const refused = await dialer.dial(actor, plan, { signal }).catch((error: unknown) => error)
  expect(refused).toBeInstanceOf(KrownError)
  expect(refused).toMatchObject({ code: 'INTERNAL' })
  expect(closed).toEqual([refused])
})
