import { once } from 'node:events'
import ssh2, { type ConnectConfig } from 'ssh2'
import { describe, expect, test } from 'vitest'
import {
  type AuthPolicy,
  fingerprintOf,
  generateKey,
  type HostileSshServer,
  startHostileSshServer,
  startRawTcpServer,
  WEAK_ALGORITHMS,
  waitFor,
} from '../src/index.js'
import { closeOf, connectSsh, finished, signalRequest } from './ssh-client.js'

const byKey = ({ host, port, username, privateKey }: HostileSshServer) => ({
  host,
  port,
  username,
  privateKey,
})
const byPassword = ({ host, port, username, password }: HostileSshServer) => ({
  host,
  port,
  username,
  password,
})

describe('commands', () => {
  const cases = [
    ['true', { exitCode: 0 }],
    ['false', { exitCode: 1 }],
    ['exit 42', { exitCode: 42 }],
    ['echo hello world', { stdout: 'hello world\n', exitCode: 0 }],
    ['sleep 0', { exitCode: 0 }],
    ['die-by SEGV', { exitCode: null, signal: 'SEGV' }],
    ['no-exit-status', { exitCode: null, signal: null }],
    ['toString', { exitCode: 127, stderr: 'not found\n' }],
  ] as const
  test.each(cases)('%s', async (command, expected) => {
    await using server = await startHostileSshServer()
    await using client = await connectSsh(byKey(server))
    expect(await client.exec(command)).toMatchObject(expected)
    expect(server.execs).toEqual([{ command, connectionId: 1 }])
  })

  test('cat sends back its input', async () => {
    await using server = await startHostileSshServer()
    await using client = await connectSsh(byKey(server))
    expect(await client.exec('cat', 'round trip')).toMatchObject({ stdout: 'round trip', exitCode: 0 })
  })

  test.each(['stdout', 'stderr'] as const)(
    'flood-%s sends all bytes through many flow windows',
    async (stream) => {
      await using server = await startHostileSshServer()
      await using client = await connectSsh(byKey(server))
      const bytes = 20 * 1024 * 1024
      const result = await client.exec(`flood-${stream} ${bytes}`)
      expect(result[stream].length).toBe(bytes)
      expect(result.exitCode).toBe(0)
    },
  )

  test.each(['sleep 1000', 'hang', 'cat', 'flood-stdout'])(
    'a signal request ends %s, also after EOF',
    async (command) => {
      await using server = await startHostileSshServer()
      await using client = await connectSsh(byKey(server))
      const channel = await client.open(command)
      const result = finished(channel)
      // Cat would end by the EOF itself.
      if (command !== 'cat') channel.eof()
      signalRequest(channel, 'INT')
      expect(await result).toMatchObject({ exitCode: null, signal: 'INT' })
      expect(server.signals).toEqual(['INT'])
    },
  )

  test('a test may answer itself, with the built-in command as fallback', async () => {
    await using server = await startHostileSshServer({
      onExec: (command, channel, context) => {
        if (command !== 'uname') return context.runDefault()
        channel.write('PDP-11\n')
        channel.exit(0)
        channel.end()
      },
    })
    await using client = await connectSsh(byKey(server))
    expect((await client.exec('uname')).stdout).toBe('PDP-11\n')
    expect((await client.exec('echo other')).stdout).toBe('other\n')
  })

  test('the terminal, its resizes and the environment reach the handler', async () => {
    const seen: unknown[] = []
    await using server = await startHostileSshServer({
      onShell: (_channel, { pty, env }) => seen.push({ pty, env }),
    })
    await using client = await connectSsh(byKey(server))
    const window = { term: 'vt100', cols: 100, rows: 30 }
    client.client.shell(window, { env: { LANG: 'C' } }, (_error, channel) => channel.setWindow(40, 120, 0, 0))
    await waitFor(() => server.resizes.length > 0, { what: 'the resize' })
    expect(seen).toEqual([{ pty: { term: 'vt100', columns: 100, rows: 30 }, env: { LANG: 'C' } }])
    expect(server.resizes).toEqual([{ columns: 120, rows: 40 }])
  })
})

describe('authentication', () => {
  const refused = (config: ConnectConfig) => expect(connectSsh(config)).rejects.toThrow(/authentication/)

  test('records the password text of every attempt', async () => {
    await using server = await startHostileSshServer()
    await refused({ ...byPassword(server), password: 'guess' })
    await using _client = await connectSsh(byPassword(server))
    const passwords = server.authAttempts.filter(({ method }) => method === 'password')
    expect(passwords).toMatchObject([
      { connectionId: 1, password: 'guess', accepted: false },
      { connectionId: 2, password: server.password, accepted: true },
    ])
  })

  test('records the key and whether it was proven', async () => {
    await using server = await startHostileSshServer()
    await using _client = await connectSsh(byKey(server))
    const fingerprint = server.authAttempts.at(-1)?.publicKeyFingerprint
    expect(fingerprint).toMatch(/^SHA256:/)
    expect(server.authAttempts.filter(({ method }) => method === 'publickey')).toMatchObject([
      { publicKeyFingerprint: fingerprint, signed: false },
      { publicKeyFingerprint: fingerprint, signed: true, accepted: true },
    ])
  })

  test('no attempt is recorded when the client refuses the host key', async () => {
    await using server = await startHostileSshServer()
    await expect(connectSsh({ ...byPassword(server), hostVerifier: () => false })).rejects.toThrow()
    expect(server.connectionCount).toBe(1)
    expect(server.authAttempts).toEqual([])
  })

  test('a honeypot takes any password and any key', async () => {
    await using server = await startHostileSshServer({ auth: { password: true, publicKeys: true } })
    await using _one = await connectSsh({ ...byPassword(server), username: 'anyone', password: 'anything' })
    await using _two = await connectSsh({
      ...byKey(server),
      privateKey: generateKey({ type: 'rsa' }).privateKey,
    })
    expect(server.authAttempts.filter(({ accepted }) => accepted).map(({ method }) => method)).toContain(
      'password',
    )
  })

  test('asks several rounds of prompts and checks the answers', async () => {
    const rounds = [
      { name: 'One', instructions: 'Look', prompts: [{ prompt: 'Password: ' }], answers: ['secret'] },
      { prompts: [{ prompt: 'Code: ', echo: true }, { prompt: 'PIN: ' }], answers: ['123456', '42'] },
    ]
    await using server = await startHostileSshServer({ auth: { keyboardInteractive: rounds } })
    const answersOf = new Map([['One', ['secret']]])
    const asked: unknown[] = []
    const client = new ssh2.Client()
    client.on('error', () => undefined)
    client.on('keyboard-interactive', (...[name, instructions, , prompts, answer]) => {
      asked.push({ name, instructions, prompts })
      answer(answersOf.get(name) ?? ['123456', '42'])
    })
    const { host, port, username } = server
    client.connect({ host, port, username, tryKeyboard: true })
    await once(client, 'ready')
    client.end()
    expect(asked).toMatchObject([
      { name: 'One', instructions: 'Look', prompts: [{ prompt: 'Password: ', echo: false }] },
      {
        prompts: [
          { prompt: 'Code: ', echo: true },
          { prompt: 'PIN: ', echo: false },
        ],
      },
    ])
    expect(server.authAttempts.at(-1)).toMatchObject({ accepted: true, answers: ['secret', '123456', '42'] })
  })

  test('a second factor is asked after the key, and the key alone is not enough', async () => {
    const key = generateKey()
    const auth: AuthPolicy = { publicKeys: [key.publicKey], password: 'second', firstFactor: 'publickey' }
    await using server = await startHostileSshServer({ auth })
    const { host, port, username } = server
    await refused({ host, port, username, privateKey: key.privateKey })
    await refused({ host, port, username, password: 'second' })
    const both = { host, port, username, privateKey: key.privateKey, password: 'second' }
    const authHandler = [
      { type: 'publickey' as const, username, key: key.privateKey },
      { type: 'password' as const, username, password: 'second' },
    ]
    await using _client = await connectSsh({ ...both, authHandler })
  })
})

describe('host keys and algorithms', () => {
  async function seen(config: ConnectConfig): Promise<string> {
    let fingerprint = ''
    const hostVerifier = (key: Buffer) => {
      fingerprint = fingerprintOf(key)
      return true
    }
    await using _client = await connectSsh({ ...config, hostVerifier })
    return fingerprint
  }

  test('the key can be chosen and replaced while running', async () => {
    const first = generateKey({ type: 'ecdsa' })
    await using server = await startHostileSshServer({ hostKeys: [first] })
    expect(await seen(byKey(server))).toBe(first.fingerprint)
    const second = server.replaceHostKey()
    expect(await seen(byKey(server))).toBe(second.fingerprint)
    expect(server.hostKeyFingerprint).toBe(second.fingerprint)
  })

  test('only weak algorithms can be offered', async () => {
    const hostKeys = [generateKey({ type: 'rsa' })]
    await using server = await startHostileSshServer({ hostKeys, algorithms: WEAK_ALGORITHMS })
    await expect(connectSsh(byKey(server))).rejects.toThrow(/no matching/i)
    await using client = await connectSsh({ ...byKey(server), algorithms: WEAK_ALGORITHMS })
    expect((await client.exec('true')).exitCode).toBe(0)
  })
})

describe('faults', () => {
  test('refuses channels after the given number', async () => {
    await using server = await startHostileSshServer({ maxChannels: 2 })
    await using client = await connectSsh(byKey(server))
    await client.exec('true')
    await client.exec('true')
    await expect(client.exec('true')).rejects.toThrow(/open fail/)
  })

  test('drops TCP in the middle of a command', async () => {
    await using server = await startHostileSshServer()
    await using client = await connectSsh(byKey(server))
    const channel = await client.open('hang')
    const closed = closeOf(channel.resume())
    server.dropConnections()
    await Promise.all([closed, client.closed])
    expect(server.connections).toEqual([])
  })

  test('resets TCP', async () => {
    await using server = await startHostileSshServer()
    await using client = await connectSsh(byKey(server))
    const error = new Promise<Error>((resolve) => client.client.on('error', resolve))
    await client.open('hang')
    server.resetConnections()
    expect(await error).toMatchObject({ code: 'ECONNRESET' })
  })

  test.each(['drop', 'reset'])('ends TCP by the command %s', async (command) => {
    await using server = await startHostileSshServer()
    await using client = await connectSsh(byKey(server))
    client.client.exec(command, () => undefined)
    await client.closed
    expect(server.execs).toEqual([{ command, connectionId: 1 }])
  })

  test('stops answering and goes on later with nothing lost', async () => {
    await using server = await startHostileSshServer()
    await using client = await connectSsh(byKey(server))
    const [connection] = server.connections
    connection?.stopAnswering()
    const result = client.exec('echo late')
    // A second client proves that the server itself is alive while the first waits.
    await using other = await connectSsh(byKey(server))
    await other.exec('true')
    expect(server.execs.map(({ command }) => command)).toEqual(['true'])
    connection?.resumeAnswering()
    expect((await result).stdout).toBe('late\n')
  })

  test.each(['handshake', 'auth'] as const)('goes silent at %s', async (stallAt) => {
    await using server = await startHostileSshServer({ stallAt })
    const failure = connectSsh({ ...byKey(server), readyTimeout: 300 })
    await expect(failure).rejects.toMatchObject({ level: 'client-timeout' })
    expect(server.connectionCount).toBe(1)
    expect(server.authAttempts.length > 0).toBe(stallAt === 'auth')
  })

  test.each(['channel', 'exec'] as const)('goes silent at %s', async (stallAt) => {
    await using server = await startHostileSshServer({ stallAt })
    await using client = await connectSsh(byKey(server))
    const outcome = client.exec('true').then(
      () => 'answered',
      () => 'connection lost',
    )
    if (stallAt === 'exec') await waitFor(() => server.execs.length > 0, { what: 'the exec request' })
    server.dropConnections()
    expect(await outcome).toBe('connection lost')
  })
})

describe('local forwards', () => {
  const forward = (client: ssh2.Client, port: number) =>
    new Promise<ssh2.ClientChannel>((resolve, reject) => {
      client.forwardOut('127.0.0.1', 0, '127.0.0.1', port, (error, channel) =>
        error ? reject(error) : resolve(channel),
      )
    })

  test('are refused by default', async () => {
    await using server = await startHostileSshServer()
    await using ssh = await connectSsh(byKey(server))
    await expect(forward(ssh.client, 1)).rejects.toMatchObject({ reason: 1 })
  })

  test('lead where the client wants, when the test lets them', async () => {
    await using echo = await startRawTcpServer({ kind: 'echo' })
    const asked: unknown[] = []
    await using server = await startHostileSshServer({
      onForward: ({ host, port, runDefault }) => {
        asked.push([host, port])
        runDefault()
      },
    })
    await using ssh = await connectSsh(byKey(server))

    const channel = await forward(ssh.client, echo.port)
    channel.write('there and back')

    expect(String((await once(channel, 'data'))[0])).toBe('there and back')
    expect(asked).toEqual([['127.0.0.1', echo.port]])
  })
})
