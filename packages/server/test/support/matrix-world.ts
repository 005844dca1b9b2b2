import { randomBytes, randomUUID } from 'node:crypto'
import type { KrownConfigInput } from '@krown/core'
import { type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import type { Caller } from '../permission-matrix.table.js'
import { call } from './call.js'
import { type Gateway, PASSWORD, type Person, startGateway } from './gateway.js'

/** Who asks in the tables of permissions, and what they ask for: a session of `owner`, and a command in it. */
export interface MatrixWorld extends AsyncDisposable {
  readonly gateway: Gateway
  readonly target: HostileSshServer
  readonly people: Readonly<Record<Exclude<Caller, 'anonymous'>, Person>>
  readonly sessionId: string
  readonly commandId: string
  /** Of another session of theirs, and ended. */
  readonly recordingId: string
  /** Another one of the owner's. */
  openSession(): Promise<string>
  /** A shell of the owner's, in a session of its own. */
  openShell(): Promise<string>
  /** A recording of the owner's that has ended. */
  recordOne(): Promise<string>
}

/** Nobody answers there. */
const NOBODYS_HOST = '192.0.2.1'

export async function startMatrixWorld(limits: KrownConfigInput['limits'] = {}): Promise<MatrixWorld> {
  const target = await startHostileSshServer()
  const outbound = { allow: [`127.0.0.1:${target.port}`, NOBODYS_HOST] }
  const config = { limits, ssh: { maxSessionsPerUser: 1000, outbound } }
  const gateway = await startGateway({ targets: [target], config })
  const people = {
    readonly: await gateway.person('readonly'),
    owner: await gateway.person('operator'),
    otherOperator: await gateway.person('operator'),
    admin: await gateway.admin(),
    auditor: await gateway.person('readonly', { auditScope: 'org' }),
    foreignAdmin: await gateway.foreignAdmin(),
  }
  const idOf = async (line: string, body: unknown) => {
    const answer = await call(gateway.url, line, { token: people.owner.token, body })
    if (answer.status >= 300) throw new Error(`${line} is ${answer.status}`)
    return String(answer.body.id)
  }
  const openSession = () => idOf('POST /api/sessions', loginTo(target))
  const sessionId = await openSession()
  const commandId = await idOf(`POST /api/sessions/${sessionId}/execute`, { command: 'true' })
  const recordOne = async () => {
    const { token } = people.owner
    const session = await openSession()
    await idOf(`POST /api/sessions/${session}/execute`, { command: 'true' })
    await call(gateway.url, `DELETE /api/sessions/${session}`, { token })
    const { body } = await call(gateway.url, `GET /api/recordings?sessionId=${session}`, { token })
    return String((body.items as { id: string }[])[0]?.id)
  }
  const openShell = async () => idOf(`POST /api/sessions/${await openSession()}/shells`, {})
  const stop = async () => {
    await gateway[Symbol.asyncDispose]()
    await target.stop()
  }
  return {
    gateway,
    target,
    people,
    sessionId,
    commandId,
    recordingId: await recordOne(),
    openSession,
    openShell,
    recordOne,
    [Symbol.asyncDispose]: stop,
  }
}

/** What opens a session on it. */
export function loginTo({ username, password, port }: HostileSshServer) {
  return { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
}

/** A login of the owner for one request; the newest is the first. */
export async function ownersLogin({ gateway, people }: MatrixWorld): Promise<string> {
  const { token } = await gateway.signIn(people.owner.user.username)
  const { body } = await call(gateway.url, 'GET /api/auth/logins', { token })
  return String((body.items as { id: string }[])[0]?.id)
}

export const newUser = () => ({ username: `new-${randomUUID().slice(0, 8)}`, password: PASSWORD })

/** A key of a host that nobody knows. */
export const newHostKey = () => ({
  host: 'db.example.com',
  fingerprint: `SHA256:${randomBytes(32).toString('base64').slice(0, 43)}`,
})

export const newTarget = () => ({
  name: `t${randomUUID()}`,
  host: '192.0.2.1',
  username: 'root',
  probe: false,
})

export const newRule = () => ({
  subject: { kind: 'role', role: 'readonly' },
  selector: 'matrix',
  verbs: ['watch'],
})

export const importOfOne = () => ({
  targets: [{ name: `i${randomUUID()}`, host: NOBODYS_HOST, username: 'root' }],
  dryRun: true,
})
