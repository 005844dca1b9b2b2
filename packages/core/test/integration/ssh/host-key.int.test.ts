import {
  FakeClock,
  fingerprintOf,
  generateKey,
  type HostileSshServer,
  startHostileSshServer,
  startSshd,
} from '@krown/testkit'
import { type ParsedKey, utils } from 'ssh2'
import { describe, expect, test } from 'vitest'
import { defer } from '../../../src/base/deferred.js'
import { KrownError } from '../../../src/errors/krown-error.js'
import type { PresentedHostKey } from '../../../src/ssh/connector.js'
import { refusalOf, requestTo, run, testConnector } from './ssh-fixture.js'

/** What ssh2's server keeps to itself: enough to break the rules. */
interface ServerProtocol {
  _kex: { finish(): void }
  _hostKeys: Record<string, ParsedKey>
  _authsQueue: string[]
  serviceAccept(name: string): void
  authSuccess(): void
  rekey(): void
}

function protocolOf(server: HostileSshServer): ServerProtocol {
  const [connection] = server.connections
  if (!connection) throw new Error('nobody is connected')
  return (connection.client as unknown as { _protocol: ServerProtocol })._protocol
}

const never = new Promise<never>(() => undefined)

describe('the host key', () => {
  test('is shown to the verifier as ssh-keygen shows it, and kept on the connection', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const shown: PresentedHostKey[] = []
    const verifyHostKey = async (key: PresentedHostKey) => {
      shown.push(key)
    }

    const connection = await connector.connect(requestTo(sshd, { verifyHostKey }))

    expect(shown).toEqual([connection.hostKey])
    expect(connection.hostKey).toMatchObject({
      algorithm: 'ssh-ed25519',
      fingerprint: sshd.hostKeyFingerprint,
    })
    expect(fingerprintOf(connection.hostKey.blob)).toBe(sshd.hostKeyFingerprint)
  })

  test.each([
    ['ecdsa', { type: 'ecdsa', bits: 384 }],
    ['rsa', { type: 'rsa', bits: 2048 }],
  ] as const)('may be of type %s', async (_, key) => {
    const hostKey = generateKey(key)
    await using sshd = await startSshd({ hostKeys: [hostKey] })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    expect(connection.hostKey.fingerprint).toBe(hostKey.fingerprint)
  })

  test('F12: a changed key is refused with the verifier’s error, and no credential leaves us', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const known = server.hostKeyFingerprint
    server.replaceHostKey()
    const mismatch = new KrownError('HOST_KEY_MISMATCH', 'another key')
    const verifyHostKey = async ({ fingerprint }: PresentedHostKey) => {
      if (fingerprint !== known) throw mismatch
    }

    const refusal = await refusalOf(connector.connect(requestTo(server, { verifyHostKey })))

    expect(refusal).toBe(mismatch)
    expect(server.authAttempts).toEqual([])
  })

  test('F14: a verifier that throws at once refuses the host', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const broken = new Error('no database')
    const verifyHostKey = () => {
      throw broken
    }

    await expect(connector.connect(requestTo(server, { verifyHostKey }))).rejects.toBe(broken)
    expect(server.authAttempts).toEqual([])
  })

  test('F14: a verifier that never answers refuses the host when the handshake is over time', async () => {
    const clock = new FakeClock()
    await using server = await startHostileSshServer()
    await using connector = testConnector({ clock })
    const asked = defer<void>()
    const verifyHostKey = () => {
      asked.resolve()
      return never
    }

    const connecting = refusalOf(connector.connect(requestTo(server, { verifyHostKey })))
    await asked.promise
    clock.advance(20_000)

    // Ours, not the target's: it is our database that does not answer.
    expect(await connecting).toMatchObject({ code: 'UNAVAILABLE' })
    expect(server.authAttempts).toEqual([])
  })

  test('F14: a verifier that answers after the connection was given up changes nothing', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const asked = defer<void>()
    const answer = defer<void>()
    const verifyHostKey = () => {
      asked.resolve()
      return answer.promise
    }
    const abort = new AbortController()

    const connecting = connector.connect(requestTo(server, { verifyHostKey, signal: abort.signal }))
    await asked.promise
    abort.abort(new Error('gone'))
    await expect(connecting).rejects.toThrow('gone')
    answer.resolve()
    await answer.promise

    expect(server.authAttempts).toEqual([])
  })

  test('F12: a target that begins authentication while the verifier is busy gets no password', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const fromUs: Buffer[] = []
    const verifyHostKey = () => {
      server.connections[0]?.socket.on('data', (data: Buffer) => fromUs.push(data))
      const protocol = protocolOf(server)
      // Its keys are in place without ours, and it accepts a request that was never made. With ssh2 alone, the
      // password then leaves in clear text.
      protocol._kex.finish()
      protocol.serviceAccept('ssh-userauth')
      return never
    }
    const auth = { method: 'password', password: 'correct horse battery' } as const

    const refusal = await refusalOf(connector.connect(requestTo(server, { verifyHostKey, auth })))

    expect(refusal).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR' })
    expect(Buffer.concat(fromUs).toString('latin1')).not.toContain(auth.password)
    expect(server.authAttempts).toEqual([])
  })

  test('F12: a target that announces success while the verifier is busy is not connected', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const verifyHostKey = () => {
      const protocol = protocolOf(server)
      protocol._kex.finish()
      protocol._authsQueue.push('password')
      protocol.authSuccess()
      return never
    }

    const refusal = await refusalOf(connector.connect(requestTo(server, { verifyHostKey })))

    expect(refusal).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR' })
  })

  test('F12: a new key exchange with the same key goes on without asking again', async () => {
    await using sshd = await startSshd({ config: ['RekeyLimit 1M none'] })
    await using connector = testConnector()
    let asked = 0
    const verifyHostKey = async () => {
      asked += 1
    }
    const connection = await connector.connect(requestTo(sshd, { verifyHostKey }))

    const { stdout, exitCode } = await run(connection, 'head -c 8000000 /dev/zero | tr "\\0" x')

    expect({ bytes: stdout.length, exitCode, asked }).toEqual({ bytes: 8_000_000, exitCode: 0, asked: 1 })
  })

  test('F12: a new key exchange with another key breaks the connection', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const protocol = protocolOf(server)
    protocol._hostKeys = { 'ssh-ed25519': utils.parseKey(generateKey().privateKey) as ParsedKey }
    protocol.rekey()

    expect(await connection.closed).toMatchObject({ code: 'HOST_KEY_MISMATCH' })
  })
})

describe('F09: an RSA host key of 1024 bits', () => {
  const hostKeys = [generateKey({ type: 'rsa', bits: 1024 })]

  test('is refused before anybody is asked', async () => {
    await using server = await startHostileSshServer({ hostKeys })
    await using connector = testConnector()
    let asked = 0
    const verifyHostKey = async () => {
      asked += 1
    }

    const refusal = await refusalOf(connector.connect(requestTo(server, { verifyHostKey })))

    expect(refusal).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR', details: { reason: 'host_key_length' } })
    expect(asked).toBe(0)
  })

  test('is accepted from a device that was opted in', async () => {
    await using server = await startHostileSshServer({ hostKeys })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server, { legacyAlgorithms: true }))
    expect(connection.hostKey.algorithm).toBe('ssh-rsa')
  })
})
