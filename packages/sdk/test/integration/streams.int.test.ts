import { type Sshd, startSshd } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import {
  type CommandStream,
  type JournalEntry,
  newCommandId,
  type RemoteKrownClient,
  type SessionHandle,
} from '../../src/index.js'
import { refusalOf } from '../support/refusal.js'
import { type SdkGateway, startSdkGateway } from '../support/sdk-gateway.js'

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

/** Every line that `seq` prints, with nothing missing and nothing twice. */
function lines(count: number): string {
  return Array.from({ length: count }, (_, i) => `${i + 1}\n`).join('')
}

async function textOf(
  stream: CommandStream,
  onChunk: (bytes: number) => unknown = () => {},
): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const { data, offset } of stream) {
    expect(offset).toBe(bytes)
    bytes += data.length
    chunks.push(data)
    await onChunk(bytes)
  }
  return Buffer.concat(chunks).toString()
}

describe('the output of a command', () => {
  test('arrives whole when the connection is cut again and again', async () => {
    const client = await gateway.as({ role: 'operator' })
    await using session = await open(client)
    const stream = await session.stream(
      'for i in $(seq 1 60); do seq $(( (i-1)*50+1 )) $((i*50)); sleep 0.03; done',
    )
    const before = gateway.proxy.counters.connections
    let next = 0
    const text = await textOf(stream, (bytes) => {
      if (bytes < next) return
      next = bytes + 3000
      gateway.proxy.reset()
    })
    expect(text).toBe(lines(3000))
    expect(await stream.result).toMatchObject({ status: 'completed', exitCode: 0, stdoutBytes: text.length })
    expect(gateway.proxy.counters.connections - before).toBeGreaterThan(3)
  })

  test('of a fast command arrives whole, from the first byte', async () => {
    const client = await gateway.as({ role: 'operator' })
    await using session = await open(client)
    expect(await textOf(await session.stream('seq 1 1000000'))).toBe(lines(1_000_000))
  })

  test('of a fast command arrives whole when the connection is cut in the middle of it', async () => {
    const client = await gateway.as({ role: 'operator' })
    await using session = await open(client)
    const stream = await session.stream('seq 1 1000000')
    let next = 500_000
    const text = await textOf(stream, (bytes) => {
      if (bytes < next) return
      next += 1_000_000
      gateway.proxy.reset()
    })
    expect(text).toBe(lines(1_000_000))
  })

  test('waits for a reader who takes his time, and others do not wait for him', async () => {
    const client = await gateway.as({ role: 'operator' }, { url: gateway.directUrl })
    await using session = await open(client)
    const printed = lines(6_000_000)
    const slow = await session.stream('seq 1 6000000')
    const chunks = slow[Symbol.asyncIterator]()
    const parts = [(await chunks.next()).value]
    for (const _ of [1, 2, 3]) {
      expect(await textOf(await session.stream('seq 1 300000'))).toBe(lines(300_000))
      parts.push((await chunks.next()).value)
    }
    const { stdoutBytes } = await client.commands.get(slow.commandId)
    expect(stdoutBytes).toBeLessThan(printed.length)
    for (let next = await chunks.next(); !next.done; next = await chunks.next()) parts.push(next.value)
    expect(Buffer.concat(parts.map(({ data }) => data)).toString()).toBe(printed)
  })

  test('ends with the command when the server restarts under it', async () => {
    const client = await gateway.as({ role: 'operator' })
    const session = await open(client)
    const stream = await session.stream('echo before; sleep 60')
    const restarted = textOf(stream, () => gateway.restart())
    expect(await restarted).toBe('before\n')
    expect(await stream.result).toMatchObject({ status: 'interrupted' })
    expect(await refusalOf(session.exec('true'))).toMatchObject({ code: 'SESSION_NOT_CONNECTED' })
  })

  test('fails with CONNECTION_LOST when the server stays away', async () => {
    await using own = await startSdkGateway()
    const client = await own.as({ role: 'operator' }, { reconnectForMs: 200 })
    const session = await open(client)
    const stream = await session.stream('echo before; sleep 60')
    const error = await refusalOf(textOf(stream, () => own.proxy.down()))
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', retryable: true })
  })

  test('ends when the client is closed, and the command goes on', async () => {
    const client = await gateway.as({ role: 'operator' })
    const session = await open(client)
    const stream = await session.stream('echo before; read x; exit 4', { stdinOpen: true })
    const error = await refusalOf(textOf(stream, () => client.close()))
    expect(error).toMatchObject({ code: 'CONNECTION_LOST', message: 'the client was closed' })
    await client.commands.closeStdin(stream.commandId)
    expect(await stream.result).toMatchObject({ exitCode: 4 })
    expect(await session.close()).toMatchObject({ status: 'disconnected' })
  })
})

describe('what is written to a command', () => {
  test('arrives in order also when nobody waits between the pieces, and however much it is', async () => {
    const client = await gateway.as({ role: 'operator' })
    await using session = await open(client)
    const stream = await session.stream('cat', { stdinOpen: true })
    const read = textOf(stream)
    const pieces = Array.from({ length: 40 }, (_, i) => `${i};`)
    const large = 'grüße'.repeat(60_000)
    await Promise.all([
      ...pieces.map((piece) => stream.write(piece)),
      stream.write(large),
      stream.closeStdin(),
    ])
    expect(await read).toBe(pieces.join('') + large)
  })
})

describe('events', () => {
  test('of a session go on after a cut, with every number', async () => {
    const client = await gateway.as({ role: 'operator' })
    const session = await open(client)
    const seen: number[] = []
    let text = ''
    const reading = (async () => {
      for await (const event of client.sessions.events({ sessionId: session.id, after: 0 })) {
        seen.push(event.seq)
        if (event.type === 'command_output') text += event.data
        if (seen.length % 5 === 0) gateway.proxy.reset()
      }
    })()
    for (let i = 1; i <= 10; i += 1) {
      // What is cut off while it is asked for is asked for again.
      const commandId = newCommandId()
      await untilAnswered(() => session.exec(`echo ${i}`, { commandId }))
    }
    await untilAnswered(() => session.close())
    await reading
    expect(seen).toEqual(seen.map((_, i) => i + 1))
    expect(text).toBe(lines(10))
  })

  test('of everything say where something may be missing', async () => {
    const client = await gateway.as({ role: 'operator' })
    const events = client.sessions.events()[Symbol.asyncIterator]()
    const first = events.next()
    let heard = false
    void first.then(() => {
      heard = true
    })
    // Live only: what happened before it listened it does not hear of.
    while (!heard) await (await open(client)).close()
    gateway.proxy.reset()
    let next = await events.next()
    while (next.value.type !== 'gap') next = await events.next()
    expect(next.value).toEqual({ type: 'gap', sessionId: null, seq: 0, fromSeq: 0, toSeq: 0 })
    await events.return?.()
  })

  test('end with the reason of the signal', async () => {
    const client = await gateway.as({ role: 'operator' })
    const reading = new AbortController()
    const next = client.sessions.events({ signal: reading.signal })[Symbol.asyncIterator]().next()
    const reason = new Error('enough')
    reading.abort(reason)
    await expect(next).rejects.toBe(reason)
  })
})

describe('the journal', () => {
  test('is followed through cuts: every entry once, in order', async () => {
    const admin = await gateway.admin()
    const names = Array.from({ length: 12 }, (_, i) => `followed-${i}`)
    const made: string[] = []
    const [newest] = (await admin.journal.list({ limit: 1 })).items
    const entries = admin.journal.follow({ after: newest?.seq })[Symbol.asyncIterator]()
    const first = entries.next()
    const ids: string[] = []
    for (const username of names) {
      ids.push((await admin.users.create({ username, password: 'a fine long password' })).id)
    }
    for (let last = newest?.seq ?? 0, next = await first; ; next = await entries.next()) {
      last += 1
      expect(next.value.seq).toBe(last)
      if (next.value.action === 'user.created') made.push(next.value.resourceId)
      if (made.length === names.length) break
      if (made.length % 4 === 0) gateway.proxy.reset()
    }
    await entries.return?.()
    expect(made).toEqual(ids)
  })

  test('is followed by many readers at once, who all go on after a cut', async () => {
    const admin = await untilAnswered(() => gateway.as({ role: 'admin' }))
    const maker = await gateway.as({ role: 'admin' }, { url: gateway.directUrl })
    const [newest] = (await admin.journal.list({ limit: 1 })).items
    const readers = Array.from({ length: 25 }, () =>
      admin.journal.follow({ after: newest?.seq })[Symbol.asyncIterator](),
    )
    for (const username of ['many-before', 'many-after']) {
      const entries = readers.map((reader) => untilMade(reader))
      const { id } = await maker.users.create({ username, password: 'a fine long password' })
      expect(new Set(await Promise.all(entries))).toEqual(new Set([id]))
      gateway.proxy.reset()
    }
    for (const reader of readers) await reader.return?.()
  })

  test('is followed from now on, unless it is said from where', async () => {
    const admin = await gateway.admin()
    const [before] = (await admin.journal.list({ limit: 1 })).items
    const entries = admin.journal.follow()[Symbol.asyncIterator]()
    const first = entries.next()
    let heard = false
    void first.then(() => {
      heard = true
    })
    for (let i = 0; !heard; i += 1) {
      await admin.users.create({ username: `now-${i}`, password: 'a fine long password' })
    }
    expect((await first).value.seq).toBeGreaterThan(before?.seq ?? 0)
    await entries.return?.()
  })
})

/** The id of the next user that was made. */
async function untilMade(entries: AsyncIterator<JournalEntry>): Promise<string | null> {
  for (;;) {
    const { value } = await entries.next()
    if (value.action === 'user.created') return value.resourceId
  }
}

async function untilAnswered<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if ((error as { code?: string }).code !== 'CONNECTION_LOST') throw error
    }
  }
}
