import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { inspect } from 'node:util'
import type { SessionId } from '@krown/core'
import { createKrownClient } from '@krown/sdk'
import { createTempDir } from '@krown/testkit'
import { RawSocket } from '../../../../server/test/support/raw-socket.js'
import { connectTrpc } from '../../../../server/test/support/trpc.js'
import { krown } from '../krown.js'
import type { Tour } from './rest-tour.js'
import type { SecretWorld } from './world.js'

/** Everything that can be seen of a value in a program that prints it. */
const show = (value: unknown) => inspect(value, { depth: 20, showHidden: true, maxStringLength: null })

/** The error that a promise rejects with. */
async function refusal(promise: Promise<unknown>): Promise<unknown> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome) return outcome.error
  throw new Error(`expected a refusal: ${show(outcome.value)}`)
}

/** tRPC over HTTP and over a WebSocket. */
export async function tourTrpc(world: SecretWorld, tour: Tour): Promise<void> {
  const { username, token, targetName } = tour
  const post = async (procedure: string, body: unknown) => {
    const headers = { 'content-type': 'application/json', authorization: `Bearer ${token}` }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    const response = await fetch(`${world.url}/trpc/${procedure}`, init)
    world.scan.keep('tRPC', procedure, await response.text())
  }
  await post('auth.login', { username, password: world.secret('guessed password by tRPC') })
  await post('auth.login', { username, passwort: world.secret('wrong field by tRPC') })
  await post('no.procedure', { password: world.secret('password for no procedure') })
  const credential = { kind: 'password', password: world.secret('stored password by tRPC') }
  await post('credentials.create', { name: 'by tRPC', ...credential })
  await post('credentials.create', { name: 'by tRPC', ...credential })
  const auth = { method: 'password', password: world.secret('wrong password of a target by tRPC') }
  await post('sessions.open', { targetName, auth })

  const strange = world.secret('token that is none by tRPC')
  await using stranger = connectTrpc(world.url, () => strange)
  world.scan.keep('tRPC', 'strange token', show(await refusal(stranger.client.auth.me.query())))
  await using socket = connectTrpc(world.url, () => token)
  const opened = await socket.client.sessions.get.query({ sessionId: tour.sessionId as SessionId })
  world.scan.keep('tRPC', 'sessions.get', show(opened))
  const refused = socket.client.sessions.open.mutate({ targetName, auth: { ...auth, method: 'password' } })
  world.scan.keep('tRPC', 'sessions.open', show(await refusal(refused)))
}

export async function tourSocket(world: SecretWorld, { token, sessionId }: Tour): Promise<void> {
  const keep = (what: string, { heard }: RawSocket) => world.scan.keep('/ws', what, JSON.stringify(heard))
  for (const message of [
    { type: 'authenticate', token: world.secret('token that is none by /ws'), protocol: 1 },
    { type: 'login', password: world.secret('message of no known type') },
    `{"type":"authenticate","token":"${world.secret('token in broken JSON')}"`,
  ]) {
    await using stranger = await RawSocket.connect(world.url, '/ws')
    stranger.send(message)
    await stranger.closed
    keep('refused', stranger)
  }
  await using socket = await RawSocket.connect(world.url, '/ws')
  socket.send({ type: 'authenticate', token, protocol: 1 })
  await socket.until(({ type }) => type === 'authenticated')
  socket.send({ type: 'subscribe_session', sessionId }, { type: 'subscribe_events' })
  await socket.until(({ type }) => type === 'subscribed')
  await using client = createKrownClient({ url: world.url, token })
  const input = { command: 'read -r secret; echo done', stdin: `${world.secret('input that is watched')}\n` }
  await client.sessions.execute(sessionId as SessionId, input)
  await socket.until(({ type }) => type === 'command_finished')
  keep('a session', socket)
}

export async function tourSdk(world: SecretWorld, { username, password, targetName }: Tour): Promise<void> {
  const keep = (what: string, value: unknown) => world.scan.keep('SDK', what, show(value))
  const { url } = world
  const guess = { username, password: world.secret('guessed password by the SDK') }
  await using stranger = createKrownClient({ url, credentials: guess })
  keep('a login', await refusal(stranger.auth.me()))
  keep('the stranger', stranger)
  await using client = createKrownClient({ url, credentials: { username, password } })
  keep('me', await client.auth.me())
  keep('a client', client)
  const auth = {
    method: 'password',
    password: world.secret('wrong password of a target by the SDK'),
  } as const
  keep('a target', await refusal(client.sessions.open({ targetName, auth })))
  const strange = { kind: 'private_key', privateKey: world.secret('no key by the SDK') } as const
  keep('a credential', await refusal(client.credentials.create({ name: 'y', ...strange })))
  await using session = await client.sessions.open({ targetName })
  const stream = await session.stream('read -r secret; echo done', { stdinOpen: true })
  await stream.write(`${world.secret('input by the SDK')}\n`)
  keep('a stream', [session.session, await stream.result])
  keep('the journal', (await client.journal.list({ limit: 200 })).items)
}

/** The command line, as somebody with a home of their own has it. */
export async function tourCli(world: SecretWorld, { username, password, targetName }: Tour): Promise<void> {
  await using home = await createTempDir()
  const base = { HOME: home.path, KROWN_URL: world.url }
  const run = async (args: string[], { stdin = '', env = {}, exitCode = 0, tellsSecrets = false } = {}) => {
    const done = await krown(args, { stdin, env: { ...base, ...env } })
    world.scan.keep('krown', args.join(' '), tellsSecrets ? done.stderr : done.stdout + done.stderr)
    if (done.exitCode !== exitCode) throw new Error(`krown ${args.join(' ')}: ${done.stderr}`)
    return done.stdout.trim()
  }
  const login = ['login', '--username', username, '--password-stdin']
  await run(login, { stdin: `${world.secret('guessed password by krown')}\n`, exitCode: 3 })
  await run(login, { stdin: `${password}\n` })
  await run(['credentials', 'create', 'by krown', '--password-stdin'], {
    stdin: `${world.secret('stored password by krown')}\n`,
  })
  const { privateKey, passphrase } = world.encryptedKey('stored key by krown')
  const file = join(home.path, 'key')
  await writeFile(file, privateKey, { mode: 0o600 })
  const storeKey = ['credentials', 'create', 'key by krown', '-i', file, '--password-stdin']
  await run(storeKey, { stdin: `${world.secret('wrong passphrase by krown')}\n`, exitCode: 2 })
  await run(storeKey, { stdin: `${passphrase}\n` })
  const { host, port, username: user } = world.target
  const elsewhere = ['exec', `${user}@${host}`, '-p', String(port), '--password-stdin', '--', 'true']
  await run(elsewhere, { stdin: `${world.secret('wrong password of a host by krown')}\n`, exitCode: 255 })
  const stdin = `${world.secret('input by krown')}\n`
  await run(['exec', targetName, '--', 'read -r secret; echo done'], { stdin })
  const made = JSON.parse(await run(['tokens', 'create', 'by krown', '--json'], { tellsSecrets: true }))
  const env = { KROWN_TOKEN: world.hideToken('API token of krown', made.token) }
  await run(['whoami'], { env })
  await run(['tokens', 'revoke', made.id])
  await run(['whoami'], { env, exitCode: 3 })
  for (const list of ['credentials', 'invites', 'journal', 'tokens', 'commands', 'sessions', 'host-keys'])
    await run([list, 'ls', '--json'])
}

/** krown-server's own commands, beside the running server. */
export async function tourAdministration(world: SecretWorld): Promise<void> {
  await world.administer(['config', 'check'])
  await world.administer(['keys', 'ls'])
  await world.administer(['keys', 'rotate'])
  const root = ['--username', 'admin', '--password-stdin']
  const stdin = `${world.secret('password from the machine itself')}\n`
  await world.administer(['admin', 'reset', ...root], { stdin })
  await world.administer(['admin', 'create', ...root], { stdin })
  const create = ['token', 'create', '--user', 'admin', '--name', 'machine']
  world.hideToken('API token from the machine', await world.administer(create, { keepsStdout: false }))
  await world.failToConnect()
}
