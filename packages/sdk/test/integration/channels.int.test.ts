import { type Sshd, startSshd, waitFor } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { ChannelEvent, ChannelHandle, RemoteKrownClient, SessionHandle } from '../../src/index.js'
import { refusalOf } from '../support/refusal.js'
import { type SdkGateway, startSdkGateway } from '../support/sdk-gateway.js'

const MIB = 1024 * 1024

let gateway: SdkGateway
let sshd: Sshd
beforeAll(async () => {
  gateway = await startSdkGateway()
  sshd = await startSshd()
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await sshd.stop()
})

function open(client: RemoteKrownClient): Promise<SessionHandle> {
  const { host, port, username, privateKey } = sshd
  return client.sessions.open({ host, port, username, auth: { method: 'key', privateKey } })
}

/** A command that the caller drives by attaching; it waits for a line before it begins. */
async function driven(client: RemoteKrownClient, command: string): Promise<ChannelHandle> {
  const session = await open(client)
  const { id } = await client.commands.start({
    sessionId: session.id,
    command: `read go; ${command}`,
    stdinOpen: true,
  })
  const channel = await client.channels.attach(id, { offset: 0 })
  await channel.write('go\n')
  return channel
}

/** Everything up to the end; gaps fail. */
async function textOf(
  channel: ChannelHandle,
  onChunk: (bytes: number) => unknown = () => {},
): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const event of channel.events()) {
    expect(event.type).not.toBe('gap')
    if (event.type !== 'output') continue
    expect(event.offset).toBe(bytes)
    bytes += event.data.length
    chunks.push(event.data)
    await onChunk(bytes)
  }
  return Buffer.concat(chunks).toString()
}

/** Cuts every connection, and lets no new one through. @returns What ends that. */
function cutOff(): () => void {
  const { target } = gateway.proxy
  const { port } = target
  target.port = 1
  gateway.proxy.reset()
  return () => {
    target.port = port
  }
}

const lines = (count: number) => Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('')

describe('a channel over a connection that is cut', () => {
  test('goes on where it was, without a gap or a duplicate', async () => {
    const client = await gateway.as({ role: 'operator' })
    const channel = await driven(
      client,
      'for i in $(seq 1 60); do seq $(( (i-1)*50+1 )) $((i*50)); sleep 0.03; done',
    )
    const before = gateway.proxy.counters.connections
    let next = 0
    const text = await textOf(channel, (bytes) => {
      if (bytes < next) return
      next = bytes + 3000
      gateway.proxy.reset()
    })
    expect(text).toBe(lines(3000))
    expect(gateway.proxy.counters.connections - before).toBeGreaterThan(3)
    expect(channel.role).toBe('driver')
  })

  test('that prints as fast as it can goes on as well', async () => {
    const client = await gateway.as({ role: 'operator' })
    const channel = await driven(client, 'seq 1 1000000')
    let next = MIB
    const text = await textOf(channel, (bytes) => {
      if (bytes < next) return
      next = bytes + 2 * MIB
      gateway.proxy.reset()
    })
    expect(text).toBe(lines(1_000_000))
  })

  test('types on afterwards; what was under way is not typed again', async () => {
    const client = await gateway.as({ role: 'operator' })
    const shell = await (await open(client)).shell()
    const seen: ChannelEvent[] = []
    const reading = (async () => {
      for await (const event of shell.events()) seen.push(event)
    })()
    const text = () =>
      Buffer.concat(seen.flatMap((event) => (event.type === 'output' ? [event.data] : []))).toString()
    await shell.write('echo be""fore\n')
    await waitFor(() => text().includes('before'), { what: 'the first' })
    gateway.proxy.reset()
    await shell.write('echo af""ter\n').catch(() => shell.write('echo af""ter\n'))
    await waitFor(() => text().includes('after'), { what: 'the second' })
    await shell.write('exit 0\n')
    await reading
    expect(seen.at(-1)).toMatchObject({ type: 'closed', command: { exitCode: 0 } })
    expect(text().split('before').length).toBe(2)
  })

  test('that ended meanwhile says what it printed, and how it ended', async () => {
    const credentials = await gateway.newUser({ role: 'operator' })
    const client = gateway.connect({ credentials })
    const channel = await driven(client, 'echo first; read more; echo second; exit 7')
    const events = channel.events()[Symbol.asyncIterator]()
    expect(await events.next()).toMatchObject({ value: { type: 'output', offset: 0 } })
    const direct = gateway.connect({ credentials, url: gateway.directUrl })
    const back = cutOff()
    await direct.channels.write(channel.id, '\n')
    await waitFor(async () => (await direct.commands.get(channel.id)).status === 'completed', {
      what: 'the command to end',
    })
    back()
    const rest: ChannelEvent[] = []
    for (let step = await events.next(); !step.done; step = await events.next()) rest.push(step.value)
    expect(rest).toMatchObject([
      { type: 'output', stream: 'stdout', offset: 6, data: new TextEncoder().encode('second\n') },
      { type: 'closed', command: { id: channel.id, exitCode: 7 } },
    ])
  })
})

describe('a reader', () => {
  test('that takes its time holds the command back, and gets everything', async () => {
    const client = await gateway.as({ role: 'operator' })
    const channel = await driven(client, 'head -c 20000000 /dev/zero; exit 4')
    let bytes = 0
    let end = 0
    for await (const event of channel.events()) {
      if (event.type === 'gap') throw new Error('a gap')
      if (event.type === 'closed')
        expect(event.command).toMatchObject({ exitCode: 4, stdoutBytes: 20_000_000 })
      if (event.type !== 'output') continue
      bytes += event.data.length
      if (end === 0) end = (await waitUntilHeld(client, channel)) ?? 0
    }
    expect(bytes).toBe(20_000_000)
    expect(end).toBeLessThan(2 * MIB)
  })

  test('of one channel holds no other one on the same connection', async () => {
    const client = await gateway.as({ role: 'operator' })
    const stuck = await driven(client, 'head -c 20000000 /dev/zero')
    const shell = await (await open(client)).shell()
    await shell.write('echo fre""e\n')
    let text = ''
    for await (const bytes of shell) {
      text += Buffer.from(bytes).toString()
      if (text.includes('free')) break
    }
    await stuck.close()
  })

  test('D15: pastes 10 MiB, and each write resolves when the target took it', async () => {
    const client = await gateway.as({ role: 'operator' })
    const channel = await driven(client, 'wc -c')
    const pasted = Buffer.alloc(10 * MIB, 'x')
    await channel.write(pasted)
    await channel.endInput()
    expect((await textOf(channel)).trim()).toBe(String(10 * MIB))
  })
})

/** How far it came when it does not come further. */
async function waitUntilHeld(client: RemoteKrownClient, { id }: ChannelHandle): Promise<number | undefined> {
  let last = -1
  return waitFor(
    async () => {
      const { end } = await client.channels.get(id)
      const isHeld = end === last && end > 256 * 1024
      last = end
      return isHeld ? end : undefined
    },
    { what: 'the command to be held' },
  )
}

describe('a client', () => {
  test('that is closed ends its channels, and what runs in them goes on', async () => {
    const operator = await gateway.newUser({ role: 'operator' })
    const client = gateway.connect({ credentials: operator })
    const session = await open(client)
    const shell = await session.shell()
    const reading = refusalOf(
      (async () => {
        for await (const _ of shell) {
        }
      })(),
    )
    await client.close()
    expect(await reading).toMatchObject({ code: 'CONNECTION_LOST' })
    expect(await refusalOf(shell.write('x'))).toMatchObject({ code: 'CONNECTION_LOST' })
    const again = gateway.connect({ credentials: operator })
    expect(await again.channels.get(shell.id)).toMatchObject({ id: shell.id })
  })

  test('gives up when the server stays away for as long as it was told', async () => {
    const credentials = await gateway.newUser({ role: 'operator' })
    const client = gateway.connect({ credentials, reconnectForMs: 300 })
    const shell = await (await open(client)).shell()
    const reading = refusalOf(
      (async () => {
        for await (const _ of shell) {
        }
      })(),
    )
    const back = cutOff()
    expect(await reading).toMatchObject({ code: 'CONNECTION_LOST' })
    back()
  })

  test('is at many channels over one connection', async () => {
    const client = await gateway.as({ role: 'operator' })
    const session = await open(client)
    const shell = await session.shell()
    const before = gateway.proxy.counters.connections
    const watchers = await Promise.all(
      Array.from({ length: 70 }, () => client.channels.attach(shell.id, { role: 'watcher' })),
    )
    expect(gateway.proxy.counters.connections - before).toBeLessThan(20)
    await shell.write('echo to a""ll\n')
    for (const watcher of watchers) {
      let text = ''
      for await (const bytes of watcher) {
        text += Buffer.from(bytes).toString()
        if (text.includes('to all')) break
      }
    }
    await session.close()
  })

  test('without a sign-in is refused', async () => {
    const client = gateway.connect()
    expect(
      await refusalOf(client.channels.attach('01890a5d-ac96-774b-bcce-b302099a8057' as never)),
    ).toMatchObject({
      code: 'UNAUTHENTICATED',
    })
  })
})
