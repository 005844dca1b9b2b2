import { expect, test } from 'vitest'
import type { SessionId } from '../../../src/model/ids.js'
import type { KrownClient } from '../../../src/model/krown-client.js'
import { openSession, refusal, type World } from './world.js'

async function untilRunning({ sessions }: KrownClient, sessionId: SessionId): Promise<void> {
  for await (const { type } of sessions.events({ sessionId, after: 0 }))
    if (type === 'command_started') return
}

export function execTests(world: () => World): void {
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

  test('who gives up waiting has the command as it is then, and it goes on', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const waiting = new AbortController()
    const commandId = world().clients.newCommandId()
    const input = { command: 'sleep 60', commandId }
    const executed = operator.sessions.execute(session.id, input, { signal: waiting.signal })
    await untilRunning(operator, session.id)
    waiting.abort()
    expect(await executed).toMatchObject({ id: commandId, status: 'running' })
    const { signal } = waiting
    expect(await operator.commands.get(commandId, { waitMs: 60_000, signal })).toMatchObject({
      status: 'running',
    })
    const later = new AbortController()
    const got = operator.commands.get(commandId, { waitMs: 60_000, signal: later.signal })
    later.abort()
    expect(await got).toMatchObject({ id: commandId, status: 'running' })
    expect(await operator.commands.cancel(commandId)).toMatchObject({ status: 'cancelled' })
  })

  test('who has given up before still starts the command', async () => {
    const { operator } = world().clients
    await using session = await openSession(world())
    const signal = AbortSignal.abort()
    const { id, status } = await operator.sessions.execute(session.id, { command: 'sleep 60' }, { signal })
    expect(status).toBe('running')
    expect(await operator.commands.cancel(id)).toMatchObject({ status: 'cancelled' })
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
