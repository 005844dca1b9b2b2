import { type Sshd, startSshd } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isKrownError, type KrownError } from '../../src/errors/krown-error.js'
import type { CommandOutputEvent } from '../../src/model/command.js'
import type { CommandId, SessionId } from '../../src/model/ids.js'
import type { CommandStream, KrownClient, SessionHandle } from '../../src/model/krown-client.js'
import type { OpenSessionInput } from '../../src/model/session.js'

/** Callers in one organization, who may open sessions to this machine on any port. */
export interface ContractClients extends AsyncDisposable {
  readonly admin: KrownClient
  readonly operator: KrownClient
  readonly otherOperator: KrownClient
  readonly readonly: KrownClient
  /** Role `readonly` with audit scope `org`. */
  readonly auditor: KrownClient
  /** A new UUIDv7. */
  newCommandId(): CommandId
}

interface World {
  readonly clients: ContractClients
  readonly sshd: Sshd
}

const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057'

/**
 * What every implementation of `KrownClient` has to do.
 *
 * @param makeClients Called once; its gateway has default limits, and nobody else uses it meanwhile.
 */
export function krownClientContract(name: string, makeClients: () => Promise<ContractClients>): void {
  describe(name, () => {
    let made: World | undefined
    const world = (): World => {
      if (!made) throw new Error('not started')
      return made
    }
    beforeAll(async () => {
      made = { clients: await makeClients(), sshd: await startSshd() }
    })
    afterAll(async () => {
      await made?.clients[Symbol.asyncDispose]()
      await made?.sshd.stop()
    })
    describe('sessions', () => sessionTests(world))
    describe('exec', () => execTests(world))
    describe('stream', () => streamTests(world))
    describe('commands', () => commandTests(world))
    describe('output', () => outputTests(world))
    describe('users, journal and system', () => administrationTests(world))
    describe('input', () => inputTests(world))
    describe('rights', () => rightsTests(world))
  })
}

function sessionTests(world: () => World): void {
  test('open gives a connected session, and close ends it', async () => {
    const { operator } = world().clients
    const handle = await operator.sessions.open(login(world()))
    const me = await operator.auth.me()
    expect(handle.session).toMatchObject({
      id: handle.id,
      userId: me.id,
      orgId: me.orgId,
      targetId: null,
      host: '127.0.0.1',
      port: world().sshd.port,
      username: world().sshd.username,
      authMethod: 'key',
      status: 'connected',
      statusReason: null,
      hostKeyFingerprint: world().sshd.hostKeyFingerprint,
      endedAt: null,
      bytesIn: 0,
      bytesOut: 0,
    })
    expect(await operator.sessions.get(handle.id)).toEqual(handle.session)
    const closed = await handle.close()
    expect(closed).toMatchObject({ id: handle.id, status: 'disconnected', statusReason: 'closed_by_user' })
    expect(closed.endedAt).toEqual(expect.any(String))
    expect(await operator.sessions.get(handle.id)).toEqual(closed)
  })

  test('closing twice is fine, and tells how it ended the first time', async () => {
    const handle = await openSession(world())
    const closed = await handle.close()
    expect(await handle.close()).toEqual(closed)
    expect(await world().clients.admin.sessions.close(handle.id)).toEqual(closed)
  })

  test('leaving the scope of a handle closes the session', async () => {
    const { operator } = world().clients
    let id: SessionId
    {
      await using handle = await openSession(world())
      id = handle.id
    }
    expect(await operator.sessions.get(id)).toMatchObject({ status: 'disconnected' })
  })

  test('nothing runs in a session that was closed', async () => {
    const handle = await openSession(world())
    await handle.close()
    expect(await refusal(handle.exec('true'))).toMatchObject({ code: 'SESSION_NOT_CONNECTED' })
    expect(await refusal(handle.stream('true'))).toMatchObject({ code: 'SESSION_NOT_CONNECTED' })
  })

  test('a session that could not be opened keeps its row, which the error names', async () => {
    const { operator } = world().clients
    const wrong = { method: 'password', password: 'not this one' } as const
    const error = await refusal(operator.sessions.open({ ...login(world()), auth: wrong }))
    expect(error.code).toBe('TARGET_AUTH_FAILED')
    const row = await operator.sessions.get(error.details?.sessionId as SessionId)
    expect(row).toMatchObject({ status: 'error', statusReason: 'target_auth_failed', connectedAt: null })
  })

  test('a list is newest first, by page, and by status, user and host', async () => {
    const { operator, otherOperator, admin } = world().clients
    const first = await openSession(world())
    const second = await openSession(world())
    await using foreign = await otherOperator.sessions.open(login(world()))
    await first.close()
    const page = await operator.sessions.list({ limit: 1 })
    expect(page.items.map(({ id }) => id)).toEqual([second.id])
    const next = await operator.sessions.list({ limit: 1, cursor: page.nextCursor ?? '' })
    expect(next.items.map(({ id }) => id)).toEqual([first.id])
    const live = await admin.sessions.list({ status: 'connected', host: '127.0.0.1' })
    expect(live.items.map(({ id }) => id)).toEqual([foreign.id, second.id])
    const mine = await admin.sessions.list({ status: 'connected', userId: second.session.userId })
    expect(mine.items.map(({ id }) => id)).toEqual([second.id])
    expect((await admin.sessions.list({ host: 'elsewhere.example' })).items).toEqual([])
    await second.close()
  })
}

function execTests(world: () => World): void {
  test('a command is answered with both streams and its exit code', async () => {
    await using session = await openSession(world())
    const command = await session.exec('echo out; echo err >&2; exit 3')
    expect(command).toMatchObject({
      sessionId: session.id,
      userId: session.session.userId,
      command: 'echo out; echo err >&2; exit 3',
      status: 'completed',
      exitCode: 3,
      signal: null,
      errorCode: null,
      stdout: 'out\n',
      stderr: 'err\n',
      stdoutEncoding: 'utf8',
      stderrEncoding: 'utf8',
      stdoutBytes: 4,
      stderrBytes: 4,
      stdoutTruncated: false,
      stderrTruncated: false,
      killed: null,
    })
    expect(Date.parse(command.finishedAt ?? '')).toBe(
      Date.parse(command.startedAt) + (command.durationMs ?? Number.NaN),
    )
  })

  test('a command that a signal ended has the signal and no exit code', async () => {
    await using session = await openSession(world())
    expect(await session.exec('kill -TERM $$')).toMatchObject({
      status: 'completed',
      exitCode: null,
      signal: 'TERM',
    })
  })

  test('standard input is sent, then ends', async () => {
    await using session = await openSession(world())
    expect(await session.exec('cat', { stdin: 'grüße\n' })).toMatchObject({ stdout: 'grüße\n' })
    expect(await session.exec('cat')).toMatchObject({ stdout: '', exitCode: 0 })
  })

  test('standard input may be any bytes, as base64', async () => {
    await using session = await openSession(world())
    const stdin = Buffer.from([0, 255, 10, 128]).toString('base64')
    const command = await session.exec('cat', { stdin, stdinEncoding: 'base64' })
    expect(command).toMatchObject({ stdout: stdin, stdoutEncoding: 'base64', stdoutBytes: 4 })
  })

  test('only the stream that is not UTF-8 is answered in base64', async () => {
    await using session = await openSession(world())
    expect(await session.exec("printf 'fine'; printf '\\377' >&2")).toMatchObject({
      stdout: 'fine',
      stdoutEncoding: 'utf8',
      stderr: '/w==',
      stderrEncoding: 'base64',
    })
    expect(await session.exec("printf '\\377'; printf 'fine' >&2")).toMatchObject({
      stdout: '/w==',
      stdoutEncoding: 'base64',
      stderr: 'fine',
      stderrEncoding: 'utf8',
    })
  })

  test('output beyond maxOutputBytes is counted and left out', async () => {
    await using session = await openSession(world())
    const command = await session.exec('printf 12345678; printf 1234 >&2', { maxOutputBytes: 4 })
    expect(command).toMatchObject({
      stdout: '1234',
      stdoutBytes: 8,
      stdoutTruncated: true,
      stderr: '1234',
      stderrBytes: 4,
      stderrTruncated: false,
    })
    const none = await session.exec('printf 1', { maxOutputBytes: 0 })
    expect(none).toMatchObject({ stdout: '', stdoutBytes: 1, stdoutTruncated: true })
  })

  test('a character that the limit cuts is left out whole', async () => {
    await using session = await openSession(world())
    const command = await session.exec('printf ab€', { maxOutputBytes: 4 })
    expect(command).toMatchObject({ stdout: 'ab', stdoutEncoding: 'utf8', stdoutTruncated: true })
  })

  test('the limit of the gateway holds when none is given', async () => {
    await using session = await openSession(world())
    const { limits } = await world().clients.operator.system.info()
    const command = await session.exec(`head -c ${limits.execOutputBytes + 1} /dev/zero`)
    expect(command).toMatchObject({ stdoutBytes: limits.execOutputBytes + 1, stdoutTruncated: true })
    expect(command.stdout).toHaveLength(limits.execOutputBytes)
  })

  test('the same commandId gives the same command, and with another body CONFLICT', async () => {
    const { clients } = world()
    await using session = await openSession(world())
    const commandId = clients.newCommandId()
    const first = await session.exec('date +%N', { commandId })
    expect(first.id).toBe(commandId)
    expect(await session.exec('date +%N', { commandId })).toEqual(first)
    expect(await refusal(session.exec('date', { commandId }))).toMatchObject({ code: 'CONFLICT' })
  })

  test('a timeout ends the command', async () => {
    await using session = await openSession(world())
    expect(await session.exec('echo before; sleep 60', { timeoutMs: 300 })).toMatchObject({
      status: 'timed_out',
      stdout: 'before\n',
      exitCode: null,
      signal: 'TERM',
      killed: 'confirmed',
    })
  })
}

function streamTests(world: () => World): void {
  test('a stream hands out the output in order, and how it ended', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('echo one; sleep 0.1; echo two >&2; sleep 0.1; echo three; exit 4')
    expect(await textOf(stream)).toBe('out:one\nerr:two\nout:three\n')
    expect(await stream.result).toMatchObject({ id: stream.commandId, status: 'completed', exitCode: 4 })
  })

  test('offsets count the bytes of both streams', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('head -c 200000 /dev/zero; printf end >&2')
    let expected = 0
    for await (const { offset, data } of stream) {
      expect(offset).toBe(expected)
      expected += data.length
    }
    expect(expected).toBe(200_003)
  })

  test('standard input can be written while the command runs', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('cat; echo done', { stdinOpen: true })
    const text = textOf(stream)
    await stream.write('one ')
    await stream.write(new TextEncoder().encode('two '))
    await stream.closeStdin()
    expect(await text).toBe('out:one two done\n')
  })

  test('a stream can be cancelled', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('echo started; exec sleep 60')
    const chunks = stream[Symbol.asyncIterator]()
    await chunks.next()
    const cancelled = await stream.cancel()
    expect(cancelled).toMatchObject({ status: 'cancelled', signal: 'TERM', killed: 'confirmed' })
    expect(await chunks.next()).toMatchObject({ done: true })
    expect(await stream.result).toMatchObject({ status: 'cancelled' })
  })

  test('whoever stops reading does not stop the command', async () => {
    await using session = await openSession(world())
    const stream = await session.stream('head -c 1000000 /dev/zero; exit 5')
    for await (const _ of stream) break
    expect(await stream.result).toMatchObject({ exitCode: 5, stdoutBytes: 1_000_000 })
  })
}

function commandTests(world: () => World): void {
  test('start answers while the command runs, and get waits for its end', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const started = await operator.commands.start({
      sessionId: session.id,
      command: 'read line; echo "$line"; exit 6',
      stdinOpen: true,
    })
    expect(started).toMatchObject({ status: 'running', exitCode: null, finishedAt: null, durationMs: null })
    expect(await operator.commands.get(started.id)).toMatchObject({ status: 'running' })
    expect(await operator.commands.get(started.id, { waitMs: 10 })).toMatchObject({ status: 'running' })
    const ended = operator.commands.get(started.id, { waitMs: 60_000 })
    await operator.commands.write(started.id, 'hello\n')
    expect(await ended).toMatchObject({ status: 'completed', exitCode: 6, stdout: 'hello\n' })
  })

  test('execute answers after waitMs with a command that still runs', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const running = await operator.sessions.execute(session.id, { command: 'sleep 60', waitMs: 50 })
    expect(running).toMatchObject({ status: 'running' })
    expect(await operator.commands.cancel(running.id)).toMatchObject({ status: 'cancelled' })
  })

  test('closing standard input lets a reader end', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const input = { sessionId: session.id, command: 'wc -c', stdinOpen: true }
    const { id } = await operator.commands.start(input)
    await operator.commands.write(id, new Uint8Array(5))
    await operator.commands.closeStdin(id)
    expect(await operator.commands.get(id, { waitMs: 60_000 })).toMatchObject({ stdout: '5\n' })
  })

  test('writing to what has ended, or has its input closed, is a CONFLICT', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const ended = await session.exec('true')
    expect(await refusal(operator.commands.write(ended.id, 'x'))).toMatchObject({ code: 'CONFLICT' })
    expect(await refusal(operator.commands.closeStdin(ended.id))).toMatchObject({ code: 'CONFLICT' })
    const closed = await operator.commands.start({ sessionId: session.id, command: 'sleep 60' })
    expect(await refusal(operator.commands.write(closed.id, 'x'))).toMatchObject({ code: 'CONFLICT' })
    await operator.commands.cancel(closed.id)
  })

  test('cancelling twice, or what has ended, is fine', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { id } = await operator.commands.start({ sessionId: session.id, command: 'sleep 60' })
    const cancelled = await operator.commands.cancel(id)
    expect(cancelled).toMatchObject({ status: 'cancelled' })
    expect(await operator.commands.cancel(id)).toEqual(cancelled)
    const ended = await session.exec('exit 7')
    expect(await operator.commands.cancel(ended.id)).toMatchObject({ status: 'completed', exitCode: 7 })
  })

  test('a list is newest first, by page, session, status and text', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    await using other = await openSession(world())
    const ids: string[] = []
    for (const text of ['Alpha', 'beta', 'Gamma']) ids.unshift((await session.exec(`echo ${text}`)).id)
    const elsewhere = await other.exec('echo alpha')
    const page = await operator.commands.list({ sessionId: session.id, limit: 2 })
    expect(page.items.map(({ id }) => id)).toEqual(ids.slice(0, 2))
    expect(page.items[0]).not.toHaveProperty('stdout')
    const rest = await operator.commands.list({
      sessionId: session.id,
      limit: 2,
      cursor: page.nextCursor ?? '',
    })
    expect(rest).toMatchObject({ items: [{ id: ids[2], command: 'echo Alpha' }], nextCursor: null })
    const found = await operator.commands.list({ search: 'ECHO ALPHA' })
    expect(found.items.map(({ id }) => id)).toEqual([elsewhere.id, ids[2]])
    const running = await operator.commands.list({ sessionId: session.id, status: 'running' })
    expect(running.items).toEqual([])
  })
}

function outputTests(world: () => World): void {
  test('output is handed out from the start, and ends with how the command ended', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { id } = await operator.commands.start({
      sessionId: session.id,
      command: 'read x; echo "$x"; exit 2',
      stdinOpen: true,
    })
    const events = eventsOf(operator.commands.output(id))
    await operator.commands.write(id, 'hello\n')
    expect(await events).toMatchObject([
      { type: 'output', stream: 'stdout', offset: 0 },
      { type: 'finished', command: { id, status: 'completed', exitCode: 2 } },
    ])
  })

  test('after a disconnect the output goes on from `after`, without a gap and without anything twice', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { id } = await operator.commands.start({ sessionId: session.id, command: 'cat', stdinOpen: true })
    await operator.commands.write(id, '0123456789')
    let after = 0
    for await (const event of operator.commands.output(id)) {
      if (event.type === 'output') after = event.offset + event.data.length
      if (after === 10) break
    }
    await operator.commands.write(id, 'abcdef')
    await operator.commands.closeStdin(id)
    const [output, finished] = await eventsOf(operator.commands.output(id, { after }))
    expect(output).toMatchObject({ type: 'output', offset: 10 })
    expect(output?.type === 'output' && Buffer.from(output.data).toString()).toBe('abcdef')
    expect(finished).toMatchObject({ type: 'finished' })
  })

  test('what is no longer held is told as a gap', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const command = await session.exec('head -c 1000000 /dev/zero', { maxOutputBytes: 0 })
    const events = await eventsOf(operator.commands.output(command.id))
    expect(events[0]).toMatchObject({ type: 'gap', fromOffset: 0 })
    const held = events.filter((event) => event.type === 'output')
    expect(held[0]?.offset).toBe(events[0]?.type === 'gap' ? events[0].toOffset : undefined)
    expect(held.reduce((end, { data }) => end + data.length, held[0]?.offset ?? 0)).toBe(1_000_000)
    expect(events.at(-1)).toMatchObject({ type: 'finished', command: { status: 'completed' } })
  })

  test('a signal ends the reading, not the command', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { id } = await operator.commands.start({ sessionId: session.id, command: 'sleep 60' })
    const reading = new AbortController()
    const events = eventsOf(operator.commands.output(id, { signal: reading.signal }))
    const ended = expect(events).rejects.toThrow()
    reading.abort()
    await ended
    expect(await operator.commands.cancel(id)).toMatchObject({ status: 'cancelled' })
  })
}

function administrationTests(world: () => World): void {
  test('an admin makes, lists, reads and changes users', async () => {
    const { admin } = world().clients
    const made = await admin.users.create({ username: 'Nina', password: 'a fine long password' })
    expect(made).toMatchObject({ username: 'nina', role: 'readonly', auditScope: 'own', disabled: false })
    expect(await admin.users.get(made.id)).toEqual(made)
    expect(await admin.users.update(made.id, { role: 'operator' })).toEqual({ ...made, role: 'operator' })
    const page = await admin.users.list({ role: 'operator', limit: 1 })
    expect(page.items.map(({ id }) => id)).toEqual([made.id])
    expect(await admin.users.update(made.id, { disabled: true })).toMatchObject({ disabled: true })
  })

  test('what was done is in the journal, whose chain verifies', async () => {
    const { admin, operator } = world().clients
    await using session = await openSession(world())
    const command = await session.exec('echo journaled')
    const { items } = await admin.journal.list({ resourceId: command.id })
    expect(items.map(({ action }) => action)).toEqual(['command.finished', 'command.started'])
    expect(items[1]).toMatchObject({
      actorUserId: (await operator.auth.me()).id,
      outcome: 'success',
      details: { command: 'echo journaled' },
    })
    expect(await admin.journal.verify()).toMatchObject({ ok: true, firstBreak: null })
  })

  test('everybody may ask what this Krown is', async () => {
    expect(await world().clients.readonly.system.info()).toMatchObject({
      version: expect.stringMatching(/^\d+\.\d+\.\d+/),
      capabilities: expect.arrayContaining(['sessions', 'commands']),
      limits: { commandBytes: 65_536, pageLimit: 200 },
    })
  })
}

function inputTests(world: () => World): void {
  const refusedFields = async (call: Promise<unknown>) => {
    const error = await refusal(call)
    expect(error.code).toBe('VALIDATION_FAILED')
    const fields = error.details?.fields as { path: string }[]
    return fields.map(({ path }) => path)
  }

  test('unknown fields are refused by name', async () => {
    const { admin, operator } = world().clients
    await using session = await openSession(world())
    const extra = { surprise: 1 } as object
    const id = UNKNOWN_ID as never
    const user = { username: 'x', password: 'a fine long password' }
    const calls: (() => Promise<unknown>)[] = [
      () => operator.sessions.open({ ...login(world()), ...extra }),
      () => operator.sessions.list(extra),
      () => operator.sessions.execute(session.id, { command: 'true', ...extra }),
      () => session.exec('true', extra),
      () => session.stream('true', extra),
      () => operator.commands.start({ sessionId: session.id, command: 'true', ...extra }),
      () => operator.commands.get(id, extra),
      () => operator.commands.list(extra),
      () => eventsOf(operator.commands.output(id, extra)),
      () => admin.users.list(extra),
      () => admin.users.create({ ...user, ...extra }),
      () => admin.users.update(id, extra),
      () => admin.journal.list(extra),
    ]
    for (const call of calls) expect(await refusedFields(call())).toEqual(['surprise'])
    const auth = { ...login(world()).auth, orgId: 'mine' }
    expect(await refusedFields(operator.sessions.open({ ...login(world()), auth }))).toEqual(['auth.orgId'])
  })

  test('what is out of range is refused, never clamped', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const { limits } = await operator.system.info()
    const exec = (options: object) => session.exec('true', options)
    expect(await refusedFields(exec({ timeoutMs: 0 }))).toEqual(['timeoutMs'])
    expect(await refusedFields(exec({ timeoutMs: 1.5 }))).toEqual(['timeoutMs'])
    expect(await refusedFields(exec({ timeoutMs: limits.maxCommandTimeoutMs + 1 }))).toEqual(['timeoutMs'])
    expect(await refusedFields(exec({ maxOutputBytes: limits.execOutputBytes + 1 }))).toEqual([
      'maxOutputBytes',
    ])
    expect(await refusedFields(exec({ stdin: 'not base64', stdinEncoding: 'base64' }))).toEqual(['stdin'])
    expect(await refusedFields(exec({ commandId: 'mine' }))).toEqual(['commandId'])
    expect(await refusedFields(session.exec('nul \0 here'))).toEqual(['command'])
    expect(await refusedFields(session.exec(''))).toEqual(['command'])
    expect(await refusedFields(operator.sessions.list({ limit: 201 }))).toEqual(['limit'])
    expect(await refusedFields(operator.commands.list({ cursor: 'made up' }))).toEqual(['cursor'])
    const output = (after: number) => eventsOf(operator.commands.output(UNKNOWN_ID as never, { after }))
    for (const after of [-1, 0.5, Number.NaN]) expect(await refusedFields(output(after))).toEqual(['after'])
    const unnamed = operator.commands.output('mine' as CommandId)
    expect(await refusedFields(eventsOf(unnamed))).toEqual([''])
    const notBytes = operator.commands.write(UNKNOWN_ID as CommandId, [1, 2] as never)
    expect(await refusedFields(notBytes)).toEqual(['data'])
  })

  test('a command of more than 64 KiB is refused', async () => {
    await using session = await openSession(world())
    const error = await refusal(session.exec(`: ${'€'.repeat(22_000)}`))
    expect(error).toMatchObject({ code: 'PAYLOAD_TOO_LARGE' })
  })
}

function rightsTests(world: () => World): void {
  test('a read-only user may open nothing and sees only itself', async () => {
    const { readonly } = world().clients
    await using session = await openSession(world())
    expect(await refusal(readonly.sessions.open(login(world())))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusal(readonly.sessions.get(session.id))).toMatchObject({ code: 'NOT_FOUND' })
    expect((await readonly.sessions.list()).items).toEqual([])
    expect(await refusal(readonly.journal.list())).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusal(readonly.users.list())).toMatchObject({ code: 'FORBIDDEN' })
    expect(await readonly.auth.me()).toMatchObject({ role: 'readonly' })
  })

  test("an operator does not see another's session or command, and is told what a made-up id is told", async () => {
    const { otherOperator } = world().clients
    await using session = await openSession(world())
    const command = await session.exec('true')
    const made = UNKNOWN_ID as never
    const calls: ((sessionId: SessionId, commandId: CommandId) => Promise<unknown>)[] = [
      (sessionId) => otherOperator.sessions.get(sessionId),
      (sessionId) => otherOperator.sessions.close(sessionId),
      (sessionId) => otherOperator.sessions.execute(sessionId, { command: 'true' }),
      (sessionId) => otherOperator.commands.start({ sessionId, command: 'true' }),
      (sessionId) => otherOperator.commands.list({ sessionId }),
      (_, commandId) => otherOperator.commands.get(commandId),
      (_, commandId) => otherOperator.commands.cancel(commandId),
      (_, commandId) => otherOperator.commands.write(commandId, 'x'),
      (_, commandId) => otherOperator.commands.closeStdin(commandId),
      (_, commandId) => eventsOf(otherOperator.commands.output(commandId)),
    ]
    for (const call of calls) {
      const foreign = await refusal(call(session.id, command.id))
      const absent = await refusal(call(made, made))
      expect(foreign).toMatchObject({ code: 'NOT_FOUND', message: absent.message, details: absent.details })
    }
  })

  test('an auditor reads everything and controls nothing', async () => {
    const { auditor } = world().clients
    await using session = await openSession(world())
    const command = await session.exec('echo seen')
    expect(await auditor.commands.get(command.id)).toMatchObject({ stdout: 'seen\n' })
    expect(await auditor.sessions.get(session.id)).toMatchObject({ status: 'connected' })
    expect(await refusal(auditor.sessions.close(session.id))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await refusal(auditor.commands.cancel(command.id))).toMatchObject({ code: 'FORBIDDEN' })
    expect(await auditor.journal.verify()).toMatchObject({ ok: true })
  })

  test("an admin uses and closes an operator's session", async () => {
    const { admin } = world().clients
    const session = await openSession(world())
    expect(await admin.sessions.execute(session.id, { command: 'echo hi' })).toMatchObject({ stdout: 'hi\n' })
    expect(await admin.sessions.close(session.id)).toMatchObject({ statusReason: 'closed_by_admin' })
  })
}

function login({ sshd }: World): OpenSessionInput {
  const { host, port, username, privateKey } = sshd
  return { host, port, username, auth: { method: 'key', privateKey } }
}

function openSession(world: World): Promise<SessionHandle> {
  return world.clients.operator.sessions.open(login(world))
}

/** What was printed, each change of the stream marked. */
async function textOf(stream: CommandStream): Promise<string> {
  let text = ''
  let last = ''
  for await (const chunk of stream) {
    if (chunk.stream !== last) text += chunk.stream === 'stdout' ? 'out:' : 'err:'
    last = chunk.stream
    text += Buffer.from(chunk.data).toString()
  }
  return text
}

async function eventsOf(output: AsyncIterable<CommandOutputEvent>): Promise<CommandOutputEvent[]> {
  const events: CommandOutputEvent[] = []
  for await (const event of output) events.push(event)
  return events
}

async function refusal(promise: Promise<unknown>): Promise<KrownError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome && isKrownError(outcome.error)) return outcome.error
  throw new Error('expected a KrownError', { cause: outcome })
}
