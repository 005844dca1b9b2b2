import { randomUUID } from 'node:crypto'
import type { Command, LoginResult } from '@krown/core'
import { type CallOptions, call } from '../../../../server/test/support/call.js'
import type { SecretWorld } from './world.js'

/** Who is signed in after the tour, and what there is for the other doors. */
export interface Tour {
  readonly username: string
  readonly password: string
  readonly token: string
  readonly sessionId: string
  /** Of a target with a stored credential. */
  readonly targetName: string
}

interface AskOptions extends CallOptions {
  /** What must be answered; default 200. */
  readonly status?: number
  /** The answer is there to tell a secret. */
  readonly tellsSecrets?: boolean
}

type Ask = <Body = Record<string, unknown>>(line: string, options?: AskOptions) => Promise<Body>

/** Asks, keeps the answer unless it is there to tell a secret, and insists on the status: what is refused as invalid reaches nothing. */
function asker({ url, scan }: SecretWorld): Ask {
  return async <Body>(line: string, { status = 200, tellsSecrets = false, ...options }: AskOptions = {}) => {
    const answer = await call<Body>(url, line, options)
    const said = JSON.stringify([[...answer.headers], answer.body])
    if (answer.status !== status) throw new Error(`${line} answered ${answer.status}: ${said}`)
    if (!tellsSecrets) scan.keep('REST', line, said)
    return answer.body
  }
}

/** Everything that takes a secret, over REST, with what is right and with what is refused. */
export async function tourRest(world: SecretWorld): Promise<Tour> {
  const ask = asker(world)
  const { token, password } = await signIn(world, ask)
  await passTokens(world, ask, token)
  const targetName = await storeCredentials(world, ask, token)
  const sessionId = await openSessions(world, ask, { token, targetName })
  await readEverything(ask, token, sessionId)
  return { username: 'admin', password, token, sessionId, targetName }
}

async function signIn(world: SecretWorld, ask: Ask) {
  const first = world.secret('first password')
  const account = { username: 'admin', password: first }
  const setup = (setupToken: string, status: number) =>
    ask('POST /api/auth/register', { status, body: { ...account, setupToken } })
  await setup(world.secret('guessed setup token'), 403)
  await setup(world.setupToken, 201)
  await setup(world.setupToken, 409)
  const login = (body: object) =>
    ask<LoginResult>('POST /api/auth/login', { body: { ...account, ...body }, tellsSecrets: true })
  const one = await login({})
  const token = world.hideToken('first access token', one.accessToken)
  await refuseLogins(world, ask)
  const second = world.secret('second password')
  const change = { currentPassword: first, newPassword: second }
  await ask('POST /api/auth/password', { token, status: 204, body: change })
  const wrong = { currentPassword: world.secret('guessed password for a change'), newPassword: second }
  await ask('POST /api/auth/password', { token, status: 400, body: wrong })
  const two = await login({ password: second })
  world.hideToken('refresh token', two.refreshToken)
  const three = await ask<LoginResult>('POST /api/auth/refresh', {
    body: { refreshToken: two.refreshToken },
    tellsSecrets: true,
  })
  world.hideToken('next refresh token', three.refreshToken)
  await ask('POST /api/auth/refresh', { status: 401, body: { refreshToken: `${three.refreshToken}x` } })
  return { token: world.hideToken('access token', three.accessToken), password: second }
}

/** Secrets where they are wrong, and where they do not belong. */
async function refuseLogins(world: SecretWorld, ask: Ask): Promise<void> {
  const LOGIN = 'POST /api/auth/login'
  const body = { username: 'admin', password: world.secret('guessed password') }
  await ask(LOGIN, { status: 401, body })
  await ask(LOGIN, { status: 401, body: { ...body, username: 'nobody' } })
  await ask(LOGIN, { status: 400, body: { ...body, passwort: world.secret('password in a wrong field') } })
  await ask(LOGIN, {
    status: 400,
    body: { ...body, username: { password: world.secret('nested password') } },
  })
  await ask(LOGIN, { status: 400, body: `{"password":"${world.secret('password in broken JSON')}"` })
  const text = { 'content-type': 'text/plain' }
  await ask(LOGIN, { status: 415, body: world.secret('password as text'), headers: text })
  const astray = encodeURIComponent(world.secret('token in the query'))
  await ask(`GET /api/auth/me?token=${astray}`, { status: 401 })
  await ask(`GET /api/${encodeURIComponent(world.secret('token in the path'))}`, { status: 404 })
  await ask('GET /api/auth/me', { status: 401, token: world.secret('token that is none') })
  const cookie = { cookie: `krown_refresh=${encodeURIComponent(world.secret('cookie'))}`, origin: world.url }
  await ask('POST /api/auth/refresh', { status: 401, headers: cookie })
}

async function passTokens(world: SecretWorld, ask: Ask, token: string): Promise<void> {
  const made = await ask<{ id: string; token: string }>('POST /api/tokens', {
    token,
    status: 201,
    body: { name: 'ci' },
    tellsSecrets: true,
  })
  const apiToken = world.hideToken('API token', made.token)
  await ask('GET /api/auth/me', { token: apiToken })
  await ask('GET /api/auth/me', { status: 401, token: `${apiToken.slice(0, -1)}-` })
  await ask('POST /api/tokens', { status: 403, token: apiToken, body: { name: 'more' } })
  await ask(`DELETE /api/tokens/${made.id}`, { token })
  await ask('GET /api/auth/me', { status: 401, token: apiToken })

  const invite = { token, status: 201, body: { role: 'operator' }, tellsSecrets: true }
  const inviteToken = world.hideToken(
    'invite',
    (await ask<{ token: string }>('POST /api/invites', invite)).token,
  )
  const password = world.secret('password of who was invited')
  const join = { username: 'grace', password, inviteToken }
  await ask('POST /api/auth/register', { status: 201, body: join })
  await ask('POST /api/auth/register', { status: 403, body: { ...join, username: 'mallory' } })
  const unused = await ask<{ id: string; token: string }>('POST /api/invites', invite)
  world.hideToken('revoked invite', unused.token)
  await ask(`DELETE /api/invites/${unused.id}`, { token })

  const made2 = { username: 'ada', password: world.secret('password given to a user'), role: 'operator' }
  await ask('POST /api/users', { token, status: 201, body: made2 })
  await ask('POST /api/users', { token, status: 409, body: made2 })
}

/** @returns the name of a target that signs in with one. */
async function storeCredentials(world: SecretWorld, ask: Ask, token: string): Promise<string> {
  const store = (body: object, status = 201) =>
    ask<{ id: string }>('POST /api/credentials', { token, status, body })
  const { host, port, username, password } = world.target
  const stored = await store({ name: 'stored', kind: 'password', password: world.secret('stored password') })
  const key = { kind: 'private_key', ...world.encryptedKey('stored key') }
  const { id: keyId } = await store({ name: 'key', ...key })
  await store(
    { name: 'stored', kind: 'password', password: world.secret('password of a name that is taken') },
    409,
  )
  await store({ name: 'x', ...key, passphrase: world.secret('wrong passphrase') }, 400)
  await store({ name: 'x', kind: 'private_key', privateKey: world.secret('text that is no key') }, 400)
  await store({ name: 'x', kind: 'private_key', privateKey: key.privateKey }, 400)
  await store({ name: 'x', ...key, password: world.secret('password of a key') }, 400)
  await ask(`PATCH /api/credentials/${stored.id}`, { token, body: { password } })

  const add = (name: string, credentialId: string) =>
    ask('POST /api/targets', { token, status: 201, body: { name, host, port, username, credentialId } })
  await add('web1', stored.id)
  await add('strange-key', keyId)
  return 'web1'
}

interface Opening {
  readonly token: string
  readonly targetName: string
}

/** @returns the id of an open session. */
async function openSessions(world: SecretWorld, ask: Ask, { token, targetName }: Opening): Promise<string> {
  const open = (body: object, status = 201) =>
    ask<{ id: string }>('POST /api/sessions', { token, status, body })
  const { host, port, username, privateKey, password } = world.target
  const place = { host, port, username }
  const byPassword = (name: string) => ({ auth: { method: 'password', password: world.secret(name) } })
  const { id } = await open({ targetName })
  await open({ ...place, auth: { method: 'password', password } })
  await open({ ...place, auth: { method: 'key', privateKey } })
  await open({ targetName: 'strange-key' }, 412)
  await open({ targetName, ...byPassword('wrong password of a target') }, 412)
  await open({ ...place, ...byPassword('wrong password of a host') }, 412)
  await open(
    { ...place, auth: { method: 'key', ...world.encryptedKey('key that a host does not take') } },
    412,
  )
  const encrypted = world.encryptedKey('key with a wrong passphrase')
  const passphrase = world.secret('passphrase that does not fit')
  await open({ ...place, auth: { method: 'key', ...encrypted, passphrase } }, 400)
  await open({ ...place, port: 1, ...byPassword('password for a port where nobody is') }, 502)
  await open({ ...place, host: '169.254.169.254', ...byPassword('password for a forbidden host') }, 403)
  await open({ ...place, host: '-oProxyCommand', ...byPassword('password for what is no host') }, 400)
  await open({ ...place, targetName, ...byPassword('password for a target and a host') }, 400)
  const hostKeyFingerprint = `SHA256:${'A'.repeat(43)}`
  await open({ ...place, hostKeyFingerprint, ...byPassword('password for a changed host') }, 412)

  const run = (body: object, status = 200) =>
    ask<Command>(`POST /api/sessions/${id}/execute`, { token, status, body })
  const stdin = `${world.secret('password for sudo')}\n`
  const done = await run({ command: 'read -r secret; echo $' + '{#secret}', stdin })
  if (done.stdout !== `${stdin.length - 1}\n`)
    throw new Error(`the command read something else: ${done.stdout}`)
  await run({ command: 'exit 3', stdin: world.secret('input that nobody reads') })
  await run({ command: 'true', stdin: world.secret('input of a refused command'), timeoutMs: -1 }, 400)
  await ask(`POST /api/sessions/${randomUUID()}/execute`, {
    token,
    status: 404,
    body: { command: 'true', stdin: world.secret('input for no session') },
  })
  return id
}

const LISTS = [
  'access-rules',
  'auth/logins',
  'auth/me',
  'commands',
  'credentials',
  'host-keys',
  'invites',
  'journal',
  'sessions',
  'system/info',
  'targets',
  'tokens',
  'users',
]

async function readEverything(ask: Ask, token: string, sessionId: string): Promise<void> {
  for (const list of LISTS) {
    for (let cursor: string | null = ''; cursor !== null; ) {
      const query: string = list.includes('/') ? '' : `?limit=200${cursor && `&cursor=${cursor}`}`
      const page: { nextCursor?: string | null } = await ask(`GET /api/${list}${query}`, { token })
      cursor = page.nextCursor ?? null
    }
  }
  await ask(`GET /api/sessions/${sessionId}`, { token })
  await ask(`GET /api/sessions/${sessionId}/commands`, { token })
  await ask('POST /api/journal/verify', { token })
  for (const path of ['/healthz', '/readyz', '/openapi.json']) await ask(`GET ${path}`)
}
