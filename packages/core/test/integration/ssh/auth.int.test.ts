import {
  FakeClock,
  generateKey,
  type KeyFormat,
  type KeyType,
  startHostileSshServer,
  startSshd,
} from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { SshAuth } from '../../../src/ssh/connector.js'
import { refusalOf, requestTo, run, testConnector } from './ssh-fixture.js'

type Hostile = Awaited<ReturnType<typeof startHostileSshServer>>

/** What the server was asked, in order. */
function attempts(server: Hostile): string[] {
  return server.authAttempts.map(({ method, signed }) => (signed ? `${method}, signed` : method))
}

const password = (text: string): SshAuth => ({ method: 'password', password: text })

describe('a password', () => {
  test('is the first and only thing that is sent', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    await connector.connect(requestTo(server, { auth: password(server.password) }))
    expect(attempts(server)).toEqual(['password'])
  })

  test('that is wrong is TARGET_AUTH_FAILED after one attempt', async () => {
    await using server = await startHostileSshServer({ auth: { password: 'right', keyboardInteractive: [] } })
    await using connector = testConnector()

    const refusal = await refusalOf(connector.connect(requestTo(server, { auth: password('wrong') })))

    expect(refusal).toMatchObject({
      code: 'TARGET_AUTH_FAILED',
      retryable: false,
      details: { phase: 'auth', reason: 'rejected', methods: ['password', 'keyboard-interactive'] },
    })
    expect(attempts(server)).toEqual(['password'])
  })

  test('answers keyboard-interactive where the target takes no password, over two rounds', async () => {
    const round = { prompts: [{ prompt: 'Password: ' }, { prompt: 'Again: ' }], answers: ['pw', 'pw'] }
    const auth = { keyboardInteractive: [round, { prompts: [{ prompt: 'Once more: ' }], answers: ['pw'] }] }
    await using server = await startHostileSshServer({ auth })
    await using connector = testConnector()

    const connection = await connector.connect(requestTo(server, { auth: password('pw') }))

    expect(attempts(server)).toEqual(['password', 'keyboard-interactive'])
    expect((await run(connection, 'true')).exitCode).toBe(0)
  })

  test('is not repeated to a target that asks without end', async () => {
    const round = { prompts: [{ prompt: 'Password: ' }], answers: ['another'] }
    const auth = { keyboardInteractive: Array.from({ length: 100 }, () => round) }
    await using server = await startHostileSshServer({ auth })
    await using connector = testConnector()

    const refusal = await refusalOf(connector.connect(requestTo(server, { auth: password('pw') })))

    expect(refusal).toMatchObject({ code: 'TARGET_AUTH_FAILED' })
    expect(server.authAttempts.at(-1)?.answers?.length).toBeLessThanOrEqual(6)
  })

  test('F16: is not offered as the second factor of anything', async () => {
    const auth = { password: 'pw', publicKeys: true, firstFactor: 'password' } as const
    await using server = await startHostileSshServer({ auth })
    await using connector = testConnector()

    const refusal = await refusalOf(connector.connect(requestTo(server, { auth: password('pw') })))

    expect(refusal).toMatchObject({
      code: 'TARGET_AUTH_FAILED',
      details: { reason: 'more_required', methods: ['publickey'] },
    })
    expect(attempts(server)).toEqual(['password'])
  })

  test('that must be changed is TARGET_AUTH_FAILED', async () => {
    await using server = await startHostileSshServer({ stallAt: 'auth' })
    await using connector = testConnector({ clock: new FakeClock() })
    const verifyHostKey = async () => {
      const [connection] = server.connections
      connection?.client.on('authentication', (context) => {
        if (context.method === 'password') context.requestChange('expired', () => undefined)
      })
    }

    const refusal = await refusalOf(
      connector.connect(requestTo(server, { auth: password('old'), verifyHostKey })),
    )

    expect(refusal).toMatchObject({ code: 'TARGET_AUTH_FAILED', details: { reason: 'password_expired' } })
  })

  test('answered by hanging up is TARGET_AUTH_FAILED: a retry could lock the account', async () => {
    await using server = await startHostileSshServer({ stallAt: 'auth' })
    await using connector = testConnector()
    const verifyHostKey = async () => {
      const [connection] = server.connections
      connection?.client.on('authentication', () => connection.drop())
    }

    const refusal = await refusalOf(
      connector.connect(requestTo(server, { auth: password('wrong'), verifyHostKey })),
    )

    expect(refusal).toMatchObject({ code: 'TARGET_AUTH_FAILED', details: { reason: 'disconnected' } })
  })

  test.runIf(process.getuid?.() === 0)('logs in to sshd, as password and through PAM', async () => {
    await using sshd = await startSshd()
    await using pam = await startSshd({
      config: ['PasswordAuthentication no', 'KbdInteractiveAuthentication yes'],
    })
    await using connector = testConnector()
    for (const peer of [sshd, pam]) {
      const connection = await connector.connect(requestTo(peer, { auth: password(peer.password ?? '') }))
      expect((await run(connection, 'echo in')).stdout).toBe('in\n')
    }
  })
})

describe('a key', () => {
  test('is offered, then proved, and nothing else is tried', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    await connector.connect(requestTo(server))
    expect(attempts(server)).toEqual(['publickey', 'publickey, signed'])
  })

  test('F16: that is refused is not followed by anything, whatever the target asks for', async () => {
    await using server = await startHostileSshServer({ auth: { password: true, keyboardInteractive: [] } })
    await using connector = testConnector()

    const refusal = await refusalOf(connector.connect(requestTo(server)))

    expect(refusal).toMatchObject({
      code: 'TARGET_AUTH_FAILED',
      details: { methods: ['password', 'keyboard-interactive'] },
    })
    expect(attempts(server)).toEqual(['publickey'])
  })

  test.each<[KeyType, KeyFormat]>([
    ['ed25519', 'openssh'],
    ['ed25519', 'pkcs8'],
    ['ecdsa', 'openssh'],
    ['ecdsa', 'pem'],
    ['ecdsa', 'pkcs8'],
    ['rsa', 'openssh'],
    ['rsa', 'pem'],
    ['rsa', 'pkcs8'],
  ])('of type %s in %s format logs in to sshd, plain and with a passphrase', async (type, format) => {
    const keys = [generateKey({ type, format }), generateKey({ type, format, passphrase: 'pass phrase' })]
    await using sshd = await startSshd({ authorizedKeys: keys.map(({ publicKey }) => publicKey) })
    await using connector = testConnector()
    for (const { privateKey, passphrase } of keys) {
      const auth: SshAuth = { method: 'key', privateKey, passphrase }
      const connection = await connector.connect(requestTo(sshd, { auth }))
      expect((await run(connection, 'true')).exitCode).toBe(0)
    }
  })

  test('without the right to log in is TARGET_AUTH_FAILED', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const auth: SshAuth = { method: 'key', privateKey: generateKey().privateKey }
    expect(await refusalOf(connector.connect(requestTo(sshd, { auth })))).toMatchObject({
      code: 'TARGET_AUTH_FAILED',
    })
  })
})

describe('a key that cannot be read is VALIDATION_FAILED, and nothing is dialled', () => {
  const encrypted = generateKey({ passphrase: 'right' }).privateKey
  const encryptedPem = generateKey({ type: 'rsa', format: 'pem', passphrase: 'right' }).privateKey
  const encryptedPkcs8 = generateKey({ type: 'rsa', format: 'pkcs8', passphrase: 'right' }).privateKey

  test.each([
    { key: 'no key at all', privateKey: 'hello', path: 'auth.privateKey' },
    { key: 'a public key', privateKey: generateKey().publicKey, path: 'auth.privateKey' },
    { key: 'half of a key', privateKey: generateKey().privateKey.slice(0, 200), path: 'auth.privateKey' },
    {
      key: 'a key made to take years to decrypt',
      privateKey: withRounds(encrypted, 2 ** 31),
      passphrase: 'right',
      path: 'auth.privateKey',
    },
    { key: 'a key of 40 KB', privateKey: 'x'.repeat(40_000), path: 'auth.privateKey' },
    { key: 'an encrypted key without passphrase', privateKey: encrypted, path: 'auth.passphrase' },
    {
      key: 'an OpenSSH key with a wrong passphrase',
      privateKey: encrypted,
      passphrase: 'wrong',
      path: 'auth.passphrase',
    },
    {
      key: 'a PEM key with a wrong passphrase',
      privateKey: encryptedPem,
      passphrase: 'wrong',
      path: 'auth.passphrase',
    },
    {
      key: 'a PKCS#8 key with a wrong passphrase',
      privateKey: encryptedPkcs8,
      passphrase: 'wrong',
      path: 'auth.passphrase',
    },
    {
      key: 'a PKCS#8 key with a wrong passphrase that seems to decrypt it',
      privateKey: PKCS8_WITH_LUCK,
      passphrase: 'wrong367',
      path: 'auth.passphrase',
    },
    {
      key: 'an encrypted PKCS#8 key of which a line is missing',
      privateKey: PKCS8_WITH_LUCK.replace(/\nI1cW.*/, ''),
      passphrase: 'right',
      path: 'auth.privateKey',
    },
  ])('$key', async ({ privateKey, passphrase, path }) => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const auth: SshAuth = { method: 'key', privateKey, passphrase }

    const refusal = await refusalOf(connector.connect(requestTo(server, { auth })))

    expect(refusal).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path }] } })
    expect(JSON.stringify(refusal.details)).not.toContain('wrong')
    expect(server.connectionCount).toBe(0)
  })

  test('an RSA key that would take seconds to sign with is told its limit', async () => {
    await using connector = testConnector()
    await using server = await startHostileSshServer()
    const auth: SshAuth = { method: 'key', privateKey: hugeRsaKey() }
    expect(await refusalOf(connector.connect(requestTo(server, { auth })))).toMatchObject({
      details: { fields: [{ path: 'auth.privateKey', message: 'has more than 8192 bits' }] },
    })
  })

  test('a key that takes seconds to decrypt holds up nobody, and is given up', async () => {
    const slow = withRounds(generateKey({ passphrase: 'right' }).privateKey, 400)
    const clock = new FakeClock()
    await using server = await startHostileSshServer()
    await using connector = testConnector({ clock })
    const auth: SshAuth = { method: 'key', privateKey: slow, passphrase: 'right' }

    const connecting = refusalOf(connector.connect(requestTo(server, { auth })))
    // Runs only because the event loop is free.
    setImmediate(() => clock.advance(5_000))

    expect(await connecting).toMatchObject({
      code: 'VALIDATION_FAILED',
      details: { fields: [{ path: 'auth.privateKey' }] },
    })
    expect(server.connectionCount).toBe(0)
  })
})

/** Its passphrase is `right`; of a wrong one the padding comes out right by chance. */
const PKCS8_WITH_LUCK = `-----BEGIN ENCRYPTED PRIVATE KEY-----
MIGbMFcGCSqGSIb3DQEFDTBKMCkGCSqGSIb3DQEFDDAcBAiYMIWB87yI7QICCAAw
DAYIKoZIhvcNAgkFADAdBglghkgBZQMEASoEEMc2nulF2y4G0qTzkSXluN0EQDf2
I1cWsNGJR+YhvCzg+3koFHJq/tYblnIviasX5b6AnT6ZFv8b/Rv0XUBzR7Iqyxvf
aY5QuemJCq3Ddhh8c1Y=
-----END ENCRYPTED PRIVATE KEY-----`

/** Sets the cost of the key derivation in an encrypted key of OpenSSH's format. */
/** Of the form of a key; whoever signed with it would be busy for seconds. */
function hugeRsaKey(): string {
  const number = (bytes: number) => Buffer.from(`02820000${'7f'.repeat(bytes)}`, 'hex')
  const numbers = [2_048, 3, 2_048, 1_024, 1_024, 1_024, 1_024, 1_024].map((bytes) => {
    const integer = number(bytes)
    integer.writeUInt16BE(bytes, 2)
    return integer
  })
  const content = Buffer.concat([Buffer.of(2, 1, 0), ...numbers])
  const sequence = Buffer.concat([Buffer.from('30820000', 'hex'), content])
  sequence.writeUInt16BE(content.length, 2)
  return `-----BEGIN RSA PRIVATE KEY-----\n${sequence.toString('base64')}\n-----END RSA PRIVATE KEY-----\n`
}

function withRounds(privateKey: string, rounds: number): string {
  const [begin = '', ...rest] = privateKey.trim().split('\n')
  const end = rest.pop() ?? ''
  const blob = Buffer.from(rest.join(''), 'base64')
  // After magic and cipher and kdf names: kdf options (string), in them salt (string of 16) and rounds.
  const saltAt = blob.indexOf('bcrypt') + 'bcrypt'.length + 4
  blob.writeUInt32BE(rounds, saltAt + 4 + blob.readUInt32BE(saltAt))
  return `${begin}\n${blob.toString('base64')}\n${end}`
}
