import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import {
  findFreePort,
  generateKey,
  type Sshd,
  startHostileSshServer,
  startSshd,
  WEAK_ALGORITHMS,
} from '@krown/testkit'
import ssh2, { type ParsedKey } from 'ssh2'
import { describe, expect, test } from 'vitest'
import { KrownError } from '../../../src/errors/krown-error.js'
import type { PresentedHostKey, SshLogin } from '../../../src/ssh/connector.js'
import { Collector, goodbye, refusalOf, requestTo, run, testConnector, through } from './ssh-fixture.js'

/** sshds in a row; each has its own key for us and its own host key. */
async function startSshds(
  count: number,
): Promise<AsyncDisposable & { all: Sshd[]; hops: Sshd[]; target: Sshd }> {
  const all = await Promise.all(Array.from({ length: count }, () => startSshd()))
  const [target] = all.slice(-1)
  if (!target) throw new RangeError('there is no target')
  const stop = async () => void (await Promise.all(all.map((sshd) => sshd.stop())))
  return { all, hops: all.slice(0, -1), target, [Symbol.asyncDispose]: stop }
}

/** Changes the login at one place; the last place is the target. */
async function connectWith(sshds: { hops: Sshd[]; target: Sshd }, place: number, change: Partial<SshLogin>) {
  await using connector = testConnector()
  const via = through(sshds.hops, ({ name }) => (name === `hop-${place}` ? change : {}))
  const isTarget = place > sshds.hops.length
  return await refusalOf(connector.connect(requestTo(sshds.target, { via, ...(isTarget && change) })))
}

const PLACES = [
  ['the first jump host', 1, 'jump host hop-1 (hop 1 of 2): '],
  ['the second jump host', 2, 'jump host hop-2 (hop 2 of 2): '],
  ['the target', 3, ''],
] as const

function expectPlace({ details, message }: KrownError, place: number, words: string): void {
  const named = words === '' ? [undefined, undefined] : [place, `hop-${place}`]
  expect([details?.hop, details?.hopName]).toEqual(named)
  expect(message.startsWith('jump host')).toBe(words !== '')
  expect(message).toContain(words)
}

describe('a connection through jump hosts', () => {
  test.each([1, 2, 3])('runs commands on the target behind %i', async (count) => {
    await using sshds = await startSshds(count + 1)
    await using connector = testConnector()
    const [via, target] = [through(sshds.hops), sshds.target]

    const connection = await connector.connect(requestTo(target, { via }))

    const { stdout, exitCode } = await run(connection, 'echo $SSH_CONNECTION')
    expect({ exitCode, port: Number(stdout.trim().split(' ')[3]) }).toEqual({
      exitCode: 0,
      port: target.port,
    })
    expect(connection.hostKey.fingerprint).toBe(target.hostKeyFingerprint)
  })

  test('logs in to each with its own user and key', async () => {
    await using jump = await startSshd()
    await using target = await startSshd()
    await using connector = testConnector()
    const [, root = jump.username] = jump.users
    const via = through([jump], () => ({ username: root }))

    const connection = await connector.connect(requestTo(target, { via }))

    expect((await run(connection, 'id -un')).stdout).toBe(`${target.username}\n`)
    expect(jump.log()).toContain(`Accepted publickey for ${root} `)
  })

  test('carries what is written and read as it is, also a lot of it', async () => {
    await using sshds = await startSshds(3)
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshds.target, { via: through(sshds.hops) }))
    const output = new Collector()
    const channel = await connection.exec('tee /dev/stderr', output)
    const bytes = 8 * 1024 * 1024

    for (let written = 0; written < bytes; written += 64 * 1024)
      await channel.write(Buffer.alloc(64 * 1024, written))
    channel.endInput()

    expect(await output.ended).toMatchObject({ exitCode: 0, error: null })
    expect([output.stdout.length, output.stderr.length]).toEqual([bytes, bytes])
  })

  test('one that reads nothing does not hold up its neighbour', async () => {
    await using sshds = await startSshds(2)
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshds.target, { via: through(sshds.hops) }))
    const unread = await connection.exec('cat /dev/zero', new Collector())
    unread.pause()
    expect((await run(connection, 'echo fine')).stdout).toBe('fine\n')
  })

  test('is nobody else’s: two of them are two at the jump host', async () => {
    await using jump = await startHostileSshServer({ onForward: ({ runDefault }) => runDefault() })
    await using target = await startHostileSshServer()
    await using connector = testConnector()
    const request = requestTo(target, { via: through([jump]) })
    await Promise.all([connector.connect(request), connector.connect(request)])
    expect([jump.connections.length, target.connections.length]).toEqual([2, 2])
  })

  test('F11: takes weak algorithms where they were opted in, and nowhere else', async () => {
    const weak = { algorithms: WEAK_ALGORITHMS, hostKeys: [generateKey({ type: 'rsa' })] }
    await using jump = await startHostileSshServer({ ...weak, onForward: ({ runDefault }) => runDefault() })
    await using target = await startHostileSshServer(weak)
    await using connector = testConnector()
    const old = { legacyAlgorithms: true }
    const connect = (ofJump: object, ofTarget: object) =>
      connector.connect(requestTo(target, { via: through([jump], () => ofJump), ...ofTarget }))

    const refused = { details: { reason: 'no_common_algorithm' } }
    expect(await refusalOf(connect({}, old))).toMatchObject({ details: { ...refused.details, hop: 1 } })
    const refusal = await refusalOf(connect(old, {}))
    expect(refusal).toMatchObject(refused)
    expectPlace(refusal, 2, '')
    expect((await connect(old, old)).closedBecause).toBeNull()
  })
})

describe('host keys on the way', () => {
  test('T19: each server is verified by its own verifier, with its own key', async () => {
    await using sshds = await startSshds(3)
    await using connector = testConnector()
    const shown: Record<string, string[]> = {}
    const record =
      (name: string) =>
      async ({ fingerprint }: PresentedHostKey) => {
        shown[name] = [...(shown[name] ?? []), fingerprint]
      }
    const via = through(sshds.hops, ({ name }) => ({ verifyHostKey: record(name) }))

    const connection = await connector.connect(
      requestTo(sshds.target, { via, verifyHostKey: record('target') }),
    )

    const [first, second, target] = sshds.all.map(({ hostKeyFingerprint }) => [hostKeyFingerprint])
    expect(shown).toEqual({ 'hop-1': first, 'hop-2': second, target })
    expect([connection.hostKey.fingerprint]).toEqual(target)
  })

  test.each(PLACES)(
    'T19: another key at %s is refused there, and nobody after it is asked',
    async (_, place, words) => {
      await using sshds = await startSshds(3)
      const verifyHostKey = async () => {
        throw new KrownError('HOST_KEY_MISMATCH', 'the target shows another key', {
          details: { expected: 'x' },
        })
      }

      const refusal = await connectWith(sshds, place, { verifyHostKey })

      expect(refusal).toMatchObject({ code: 'HOST_KEY_MISMATCH', details: { expected: 'x' } })
      expectPlace(refusal, place, words)
      const loggedIn = sshds.all.map((sshd) => sshd.log().includes('Accepted publickey'))
      expect(loggedIn).toEqual([1, 2, 3].map((number) => number < place))
    },
  )
})

describe('what goes wrong on the way', () => {
  test.each(PLACES)('a wrong credential at %s', async (_, place, words) => {
    await using sshds = await startSshds(3)
    const { privateKey } = generateKey()
    const refusal = await connectWith(sshds, place, { auth: { method: 'key', privateKey } })
    expect(refusal).toMatchObject({
      code: 'TARGET_AUTH_FAILED',
      details: { phase: 'auth', reason: 'rejected' },
    })
    expectPlace(refusal, place, words)
  })

  test.each(PLACES)(
    'a private key for %s that cannot be read leaves no trace anywhere',
    async (_, place, words) => {
      await using sshds = await startSshds(3)
      const refusal = await connectWith(sshds, place, { auth: { method: 'key', privateKey: 'no key' } })
      expect(refusal).toMatchObject({ code: 'VALIDATION_FAILED' })
      expectPlace(refusal, place, words)
      expect(sshds.all.map((sshd) => sshd.log().includes('Connection from'))).toEqual([false, false, false])
    },
  )

  test.each(PLACES)('nothing listens at the port of %s', async (_, place, words) => {
    await using sshds = await startSshds(3)
    const refusal = await connectWith(sshds, place, { port: await findFreePort() })
    expect(refusal).toMatchObject({ code: 'TARGET_UNREACHABLE', details: { phase: 'connect' } })
    expectPlace(refusal, place, words)
    if (place > 1) expect(refusal.message).toContain(`cannot be reached from jump host hop-${place - 1}`)
  })

  test.each([1, 2])('hop %i forbids forwarding', async (place) => {
    await using open = await startSshd()
    await using closed = await startSshd({ config: ['AllowTcpForwarding no'] })
    await using target = await startSshd()
    await using connector = testConnector()
    const hops = place === 1 ? [closed, open] : [open, closed]

    const refusal = await refusalOf(connector.connect(requestTo(target, { via: through(hops) })))

    expect(refusal).toMatchObject({
      code: 'TARGET_CHANNEL_REFUSED',
      message: `jump host hop-${place} (hop ${place} of 2): it refuses to forward`,
      details: { phase: 'channel', reason: 1, hop: place, hopName: `hop-${place}` },
    })
    expect(target.log()).not.toContain('Connection from')
  })

  test('a name that the jump host cannot resolve', async () => {
    await using sshds = await startSshds(2)
    await using connector = testConnector()
    const request = requestTo(sshds.target, { via: through(sshds.hops), host: 'nobody.invalid' })
    expect(await refusalOf(connector.connect(request))).toMatchObject({ code: 'TARGET_UNREACHABLE' })
  })
})

describe('the outbound policy', () => {
  test('E10: only the first hop is resolved here; what the others connect to is asked before a packet is sent', async () => {
    await using sshds = await startSshds(3)
    const dialled: unknown[] = []
    const forwarded: unknown[] = []
    await using connector = testConnector()
    const [, second] = sshds.hops

    await connector.connect(
      requestTo(sshds.target, {
        via: {
          ...through(sshds.hops),
          checkForward: (...to) => {
            expect(sshds.all.map((sshd) => sshd.log().includes('Connection from'))).not.toContain(true)
            forwarded.push(to)
          },
        },
        checkAddresses: ({ port }) => void dialled.push(port),
      }),
    )

    expect(dialled).toEqual([sshds.hops[0]?.port])
    expect(forwarded).toEqual([
      ['127.0.0.1', second?.port],
      ['127.0.0.1', sshds.target.port],
    ])
  })

  test.each(PLACES.slice(1))('E10: refuses %s before anything is dialled', async (_, place, words) => {
    await using sshds = await startSshds(3)
    await using connector = testConnector()
    const forbidden = sshds.all[place - 1]?.port
    const checkForward = (_host: string, port: number) => {
      if (port === forbidden) throw new KrownError('TARGET_POLICY_DENIED', 'not there')
    }
    const via = { ...through(sshds.hops), checkForward }

    const refusal = await refusalOf(connector.connect(requestTo(sshds.target, { via })))

    expect(refusal).toMatchObject({ code: 'TARGET_POLICY_DENIED' })
    expectPlace(refusal, place, words)
    expect(sshds.all.map((sshd) => sshd.log().includes('Connection from'))).toEqual([false, false, false])
  })

  test('E10: refuses the address of the first hop before anything is dialled', async () => {
    await using sshds = await startSshds(2)
    await using connector = testConnector()
    const checkAddresses = () => {
      throw new KrownError('TARGET_POLICY_DENIED', 'not there')
    }
    const request = requestTo(sshds.target, { via: through(sshds.hops), checkAddresses })
    expect(await refusalOf(connector.connect(request))).toMatchObject({
      code: 'TARGET_POLICY_DENIED',
      details: { hop: 1, hopName: 'hop-1' },
    })
    expect(sshds.hops[0]?.log()).not.toContain('Connection from')
  })
})

describe('the host key of a target', () => {
  test('is asked for without logging in', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const { host, port } = server
    const key = await connector.probeHostKey({ host, port, checkAddresses: () => undefined })
    expect(key).toMatchObject({ algorithm: 'ssh-ed25519', fingerprint: server.hostKeyFingerprint })
    expect(server.authAttempts).toEqual([])
    await expect.poll(() => server.connections.length).toBe(0)
  })

  test('T19: is the target’s, also behind jump hosts, which are logged in to and left again', async () => {
    await using jump = await startHostileSshServer({ onForward: ({ runDefault }) => runDefault() })
    await using target = await startHostileSshServer()
    await using connector = testConnector()
    const { host, port } = target
    const key = await connector.probeHostKey({
      host,
      port,
      via: through([jump]),
      checkAddresses: () => undefined,
    })
    expect(key.fingerprint).toBe(target.hostKeyFingerprint)
    expect([jump.authAttempts.length > 0, target.authAttempts]).toEqual([true, []])
    await expect.poll(() => [jump.connections.length, target.connections.length]).toEqual([0, 0])
  })

  test('is not believed when the target cannot prove that it owns it', async () => {
    const [own, stolen] = [generateKey(), generateKey()]
    const server = new ssh2.Server({ hostKeys: [own.privateKey] }, (client) => {
      client.on('error', () => undefined)
      const forged = Object.create(ssh2.utils.parseKey(own.privateKey) as ParsedKey)
      const shown = ssh2.utils.parseKey(stolen.publicKey) as ParsedKey
      forged.getPublicSSH = () => shown.getPublicSSH()
      const { _protocol: protocol } = client as unknown as { _protocol: { _hostKeys: object } }
      protocol._hostKeys = { 'ssh-ed25519': forged }
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    await using connector = testConnector()

    const probing = connector.probeHostKey({ host: '127.0.0.1', port, checkAddresses: () => undefined })

    expect(await refusalOf(probing)).toMatchObject({
      code: 'TARGET_PROTOCOL_ERROR',
      details: { reason: 'host_key_not_proved' },
    })
    server.close()
  })

  test('is refused where the policy refuses', async () => {
    await using server = await startHostileSshServer()
    await using connector = testConnector()
    const { host, port } = server
    const checkAddresses = () => {
      throw new KrownError('TARGET_POLICY_DENIED', 'not there')
    }
    const refusal = await refusalOf(connector.probeHostKey({ host, port, checkAddresses }))
    expect(refusal).toMatchObject({ code: 'TARGET_POLICY_DENIED' })
    expect(server.connectionCount).toBe(0)
  })
})

test('a connection through jump hosts says goodbye to the target first and to the first jump host last', async () => {
  const left: string[] = []
  const servers = await Promise.all(
    Array.from({ length: 3 }, () => startHostileSshServer({ onForward: ({ runDefault }) => runDefault() })),
  )
  const [first, second, target] = servers
  if (!first || !second || !target) throw new Error('three were started')
  await using connector = testConnector()
  const connection = await connector.connect(requestTo(target, { via: through([first, second]) }))
  for (const [name, server] of Object.entries({ first, second, target })) {
    server.connections[0]?.client.on('end', () => left.push(name))
  }

  await connection.close(goodbye())

  await expect.poll(() => left).toEqual(['target', 'second', 'first'])
  await Promise.all(servers.map((server) => server.stop()))
})
