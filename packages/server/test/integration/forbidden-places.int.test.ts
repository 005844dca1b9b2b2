import { randomUUID } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { startGateway } from '../support/gateway.js'

/** At port 0 the port of the gateway itself is meant. */
const PLACES = [
  ['a metadata service', { host: '169.254.169.254', port: 22 }],
  ['the same inside an IPv6 address', { host: '::ffff:169.254.169.254', port: 22 }],
  ['the gateway itself', { host: '127.0.0.1', port: 0 }],
  ['another port of this machine', { host: 'localhost', port: 22 }],
] as const

const auth = { method: 'password', password: 'x' }

/** Every way to have Krown connect to a place of one's choice. */
const DOORS: Readonly<Record<string, (place: object) => unknown>> = {
  'POST /api/sessions': (place) => ({ ...place, username: 'root', auth }),
  'POST /api/host-keys/probe': (place) => place,
  'POST /api/targets': (place) => ({ ...place, name: randomUUID(), username: 'root' }),
  'POST /trpc/sessions.open': (place) => ({ ...place, username: 'root', auth }),
  'POST /trpc/hostKeys.probe': (place) => place,
  'POST /trpc/targets.create': (place) => ({ ...place, name: randomUUID(), username: 'root' }),
}

describe('T20: a place that the outbound policy forbids', () => {
  test.each(PLACES)('%s: is reached by no door, neither as operator nor as admin', async (_, place) => {
    await using gateway = await startGateway()
    const port = place.port || gateway.server.port
    for (const person of [await gateway.person('operator'), await gateway.admin()]) {
      for (const [line, bodyOf] of Object.entries(DOORS)) {
        if (person.user.role === 'operator' && line.includes('targets')) continue
        const body = bodyOf({ ...place, port })
        const answer = await call(gateway.url, line, { token: person.token, body })
        const said = JSON.stringify(answer.body)
        expect([line, answer.status, said.includes('TARGET_POLICY_DENIED')]).toEqual([line, 403, true])
      }
    }
  })
})
