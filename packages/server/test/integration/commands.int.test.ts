import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command, CommandSummary, Page, Session } from '@krown/core'
import {
  createTempDir,
  findSshd,
  type HostileSshServer,
  type LocalSshServer,
  startHostileSshServer,
  startLocalSshServer,
  startSshd,
  waitFor,
} from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { type Gateway, type Person, startGateway } from '../support/gateway.js'

type Target = Pick<LocalSshServer, 'port' | 'username' | 'password'>

/** A gateway with an operator who has a session on a target. */
async function onTarget<T extends Target & AsyncDisposable>(
  start: () => Promise<T>,
  work: (on: { gateway: Gateway; target: T; owner: Person; session: Session } & Verbs) => Promise<void>,
): Promise<void> {
  await using target = await start()
  await using gateway = await startGateway({ targets: [target] })
  const owner = await gateway.person('operator')
  const { token } = owner
  const { port, username, password } = target
  const body = { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
  const opened = await call<Session>(gateway.url, 'POST /api/sessions', { token, body })
  expect(opened.status).toBe(201)
  await work({ gateway, target, owner, session: opened.body, ...verbs(gateway, token, opened.body.id) })
}

interface Verbs {
  execute(input: object): ReturnType<typeof call<Command>>
  get(path: string): ReturnType<typeof call<Command>>
  post(path: string, body?: object): ReturnType<typeof call<Command>>
}

const verbs = (gateway: Gateway, token: string, sessionId: string): Verbs => ({
  execute: (body) => call(gateway.url, `POST /api/sessions/${sessionId}/execute`, { token, body }),
  get: (path) => call(gateway.url, `GET ${path}`, { token }),
  post: (path, body) => call(gateway.url, `POST ${path}`, { token, body }),
})

type OnMachine = Parameters<typeof onTarget<LocalSshServer>>[1]

const onMachine = (work: OnMachine) => onTarget(startLocalSshServer, work)
const hostile = (): Promise<HostileSshServer> => startHostileSshServer()

describe('a session over REST', () => {
  test('is opened, runs commands with any exit code, is listed and closed', () =>
    onMachine(async ({ gateway, owner, session, target, execute, get }) => {
      expect(session).toMatchObject({
        status: 'connected',
        hostKeyNewlyPinned: true,
        hostKeyFingerprint: target.hostKeyFingerprint,
        authMethod: 'password',
      })
      const done = await execute({ command: 'echo out; echo err >&2; exit 7' })
      expect(done.status).toBe(200)
      expect(done.body).toMatchObject({
        status: 'completed',
        exitCode: 7,
        stdout: 'out\n',
        stderr: 'err\n',
        signal: null,
      })
      const listed = (await get(`/api/sessions/${session.id}/commands`))
        .body as unknown as Page<CommandSummary>
      expect(listed.items.map(({ id }) => id)).toEqual([done.body.id])
      expect(listed.items[0]).not.toHaveProperty('stdout')
      const closed = await call(gateway.url, `DELETE /api/sessions/${session.id}`, { token: owner.token })
      expect(closed).toMatchObject({
        status: 200,
        body: { status: 'disconnected', statusReason: 'closed_by_user' },
      })
      expect(
        (await call(gateway.url, `DELETE /api/sessions/${session.id}`, { token: owner.token })).status,
      ).toBe(200)
      expect(await execute({ command: 'true' })).toMatchObject({
        status: 409,
        body: { code: 'SESSION_NOT_CONNECTED' },
      })
    }))

  test('that cannot be opened says why, and which row tells of it', async () => {
    await using target = await startHostileSshServer()
    await using gateway = await startGateway({ targets: [target] })
    const { token } = await gateway.person('operator')
    const body = {
      host: '127.0.0.1',
      port: target.port,
      username: 'x',
      auth: { method: 'password', password: 'wrong' },
    }
    const refused = await call(gateway.url, 'POST /api/sessions', { token, body })
    expect(refused).toMatchObject({ status: 412, body: { code: 'TARGET_AUTH_FAILED' } })
    const { sessionId } = refused.body.details as { sessionId: string }
    expect((await call(gateway.url, `GET /api/sessions/${sessionId}`, { token })).body).toMatchObject({
      status: 'error',
    })
  })

  test('to a port that is not allowed is refused without a word about the address', async () => {
    await using gateway = await startGateway()
    const { token } = await gateway.person('operator')
    const body = {
      host: '127.0.0.1',
      port: gateway.server.port,
      username: 'x',
      auth: { method: 'password', password: 'x' },
    }
    const refused = await call(gateway.url, 'POST /api/sessions', { token, body })
    expect(refused).toMatchObject({ status: 403, body: { code: 'TARGET_POLICY_DENIED' } })
  })
})

describe('a command that takes longer than the caller waits', () => {
  test('answers 202, is asked for at Location, and is cancelled', () =>
    onMachine(async ({ execute, get, post }) => {
      const pending = await execute({ command: 'echo started; sleep 60', waitMs: 0 })
      expect(pending).toMatchObject({ status: 202, body: { status: 'running', exitCode: null } })
      const location = pending.headers.get('location') ?? ''
      expect(location).toBe(`/api/commands/${pending.body.id}`)
      expect((await get(`${location}?waitMs=1`)).body).toMatchObject({ status: 'running' })
      const cancelled = await post(`${location}/cancel`)
      expect(cancelled).toMatchObject({
        status: 200,
        body: { status: 'cancelled', signal: 'TERM', killed: 'confirmed' },
      })
      expect((await get(location)).body).toEqual(cancelled.body)
      expect((await post(`${location}/cancel`)).body.status).toBe('cancelled')
    }))

  test('is not waited for longer than it runs', () =>
    onMachine(async ({ execute, get }) => {
      const pending = await execute({ command: 'sleep 0.3', waitMs: 0 })
      const ended = await get(`${pending.headers.get('location')}?waitMs=60000`)
      expect(ended.body).toMatchObject({ status: 'completed', exitCode: 0 })
    }))

  test('goes on when the client goes away', () =>
    onMachine(async ({ gateway, session, owner, get }) => {
      const commandId = '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b04'
      const away = new AbortController()
      const sent = fetch(`${gateway.url}/api/sessions/${session.id}/execute`, {
        method: 'POST',
        headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'application/json' },
        body: JSON.stringify({ command: 'sleep 0.5; echo done', commandId }),
        signal: away.signal,
      }).catch(() => undefined)
      await waitFor(async () => (await get(`/api/commands/${commandId}`)).status === 200, {
        what: 'the command',
      })
      away.abort()
      await sent
      expect((await get(`/api/commands/${commandId}?waitMs=60000`)).body).toMatchObject({
        status: 'completed',
        stdout: 'done\n',
      })
    }))

  test('times out with 200: it ran', () =>
    onMachine(async ({ execute }) => {
      const answer = await execute({ command: 'sleep 60', timeoutMs: 200 })
      expect(answer).toMatchObject({ status: 200, body: { status: 'timed_out', killed: 'confirmed' } })
    }))
})

describe('C06: what is in a command', () => {
  test('NUL is refused, and newlines are part of one command and one record', () =>
    onTarget(hostile, async ({ target, execute, gateway }) => {
      expect((await execute({ command: 'echo a\u0000b' })).status).toBe(400)
      expect(target.execs).toHaveLength(0)
      const text = 'echo one\r\ntwo\u2028three'
      expect((await execute({ command: text })).body.command).toBe(text)
      expect(target.execs.map(({ command }) => command)).toEqual([text])
      const { token } = await gateway.admin()
      const page = await call<Page<{ details: { command?: string } }>>(
        gateway.url,
        'GET /api/journal?action=command.started',
        { token },
      )
      expect(page.body.items.map(({ details }) => details.command)).toEqual([text])
    }))

  test.skipIf(!findSshd())('64 KiB are taken, one byte more is 413 and reaches no target', async () => {
    await using sshd = await startSshd()
    await using gateway = await startGateway({ targets: [sshd] })
    const { token } = await gateway.person('operator')
    const auth = { method: 'key', privateKey: sshd.privateKey }
    const body = { host: '127.0.0.1', port: sshd.port, username: sshd.username, auth }
    const { body: session } = await call<Session>(gateway.url, 'POST /api/sessions', { token, body })
    const { execute } = verbs(gateway, token, session.id)
    const fits = `echo ${'x'.repeat(64 * 1024 - 5)}`
    expect(await execute({ command: `${fits}x` })).toMatchObject({
      status: 413,
      body: { code: 'PAYLOAD_TOO_LARGE' },
    })
    const taken = await execute({ command: fits })
    expect(taken).toMatchObject({ status: 200, body: { exitCode: 0, stdoutBytes: 64 * 1024 - 4 } })
  })
})

describe('C26: the same commandId', () => {
  const newCommandId = () => randomUUID().replace(/^(.{14})./, '$17')

  /** A command that leaves one line for every time it really ran. */
  const counting = (file: string) => `echo ran >> ${file}`
  const runs = (file: string) => readFileSync(file, 'utf8').trim().split('\n').length

  test('runs once, one after the other and all at once, and everybody gets the same command', () =>
    onMachine(async ({ execute }) => {
      await using dir = await createTempDir()
      const file = join(dir.path, 'runs')
      const body = { command: counting(file), commandId: newCommandId() }
      const first = await execute(body)
      const again = await execute(body)
      const together = await Promise.all(Array.from({ length: 10 }, () => execute(body)))
      for (const { status, body: same } of [again, ...together]) {
        expect(status).toBe(200)
        expect(same).toMatchObject({ id: first.body.id, exitCode: 0, startedAt: first.body.startedAt })
      }
      expect(runs(file)).toBe(1)
    }))

  test('at once from the start runs once', () =>
    onMachine(async ({ execute }) => {
      await using dir = await createTempDir()
      const file = join(dir.path, 'runs')
      const body = { command: counting(file), commandId: newCommandId() }
      const answers = await Promise.all(Array.from({ length: 10 }, () => execute(body)))
      expect(new Set(answers.map(({ status, body: { id } }) => `${status} ${id}`)).size).toBe(1)
      expect(runs(file)).toBe(1)
    }))

  test('after nobody waited finds the one that runs', () =>
    onMachine(async ({ execute }) => {
      await using dir = await createTempDir()
      const file = join(dir.path, 'runs')
      const body = { command: `${counting(file)}; sleep 0.3`, commandId: newCommandId() }
      expect((await execute({ ...body, waitMs: 0 })).status).toBe(202)
      expect(await execute(body)).toMatchObject({ status: 200, body: { status: 'completed' } })
      expect(runs(file)).toBe(1)
    }))

  test('with another body is a conflict, and runs nothing', () =>
    onMachine(async ({ execute }) => {
      const commandId = newCommandId()
      await execute({ command: 'true', commandId })
      expect(await execute({ command: 'false', commandId })).toMatchObject({
        status: 409,
        body: { code: 'CONFLICT' },
      })
    }))
})

test('C24: one token that floods is told to wait, and others are not', async () => {
  await using gateway = await startGateway({ config: { limits: { requestsPerActor: 20 } } })
  const [flooding, other] = [await gateway.person('operator'), await gateway.person('operator')]
  const me = (token: string) => call(gateway.url, 'GET /api/auth/me', { token })
  const answers = await Promise.all(Array.from({ length: 200 }, () => me(flooding.token)))
  const refused = answers.filter(({ status }) => status === 429)
  expect(refused.length).toBeGreaterThan(0)
  expect(refused[0]?.headers.get('retry-after')).toMatch(/^[1-9]\d*$/)
  expect(answers.some(({ status }) => status === 200)).toBe(true)
  expect((await me(other.token)).status).toBe(200)
})
