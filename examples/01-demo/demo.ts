// All of Krown at once, on this machine and nothing else: `pnpm demo`, or `pnpm demo --once` to end by itself.
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import type { LoginResult, Page, Recording, RecordingId, Session, SystemInfo } from '@krown/core'
import { createTempDir } from '@krown/testkit/temp-dir'
import { startGateway } from '../support/start-gateway.js'
import { runCommands } from './commands.js'
import { showDoors } from './doors.js'
import { watchForInterruption } from './interruption.js'
import { showInventory } from './inventory.js'
import { showJournal } from './journal.js'
import { bold, fact, heading, red } from './print.js'
import { RestClient } from './rest-client.js'
import { type DemoTarget, startTarget } from './target.js'

using interruption = watchForInterruption()
// A reader that went away, as in `pnpm demo | head`, is no reason to leave servers and files behind.
process.stdout.on('error', () => {})
try {
  process.exitCode = await tellStory(process.argv.includes('--once'), interruption.signal)
} catch (error) {
  // Ctrl-C reaches the servers as well: what fails then is no news.
  if (!interruption.signal.aborted) console.error(red('The demo failed.'), error)
  process.exitCode = 1
}

/** @returns The exit code. */
async function tellStory(endsByItself: boolean, interrupted: AbortSignal): Promise<number> {
  heading('Krown')
  await using directory = await createTempDir()
  await using target = await startTarget()
  fact('target', `${target.kind} on ${target.host}:${target.port}`)
  await using gateway = await startGateway(directory.path)
  const api = new RestClient(gateway.url)
  const { version } = await api.get<SystemInfo>('/api/system/info')
  fact('gateway', `krown-server ${version} on ${gateway.url}, with SQLite`)

  const admin = await becomeAdmin(api, gateway.setupToken)
  const session = await openSession(api, target)
  const surprises = [
    ...(await runCommands(api, session)),
    ...(await showJournal(api)),
    ...(await showInventory({ directory: directory.path, url: gateway.url, api, target })),
  ]
  for (const surprise of surprises) console.log(red(`  unexpected: ${surprise}`))
  if (endsByItself || surprises.length > 0) return surprises.length === 0 ? 0 : 1

  const recording = await findRecording(api, session)
  await showDoors({ directory: directory.path, url: gateway.url, admin, target, session, recording })
  if (!interrupted.aborted) await once(interrupted, 'abort')
  console.log('\nCleaning up.')
  return 0
}

async function becomeAdmin(api: RestClient, setupToken: string) {
  const admin = { username: 'admin', password: randomBytes(12).toString('base64url') }
  await api.post('/api/auth/register', { ...admin, setupToken })
  const login = await api.post<LoginResult>('/api/auth/login', admin)
  api.authorize(login.accessToken)
  fact('user', `${login.user.username}, registered with the setup token as the first administrator`)
  return admin
}

async function openSession(api: RestClient, { host, port, username, auth }: DemoTarget): Promise<Session> {
  const session = await api.post<Session>('/api/sessions', { host, port, username, auth })
  fact('session', `${bold(session.status)} as ${session.username} by ${session.authMethod}`)
  fact(
    'host key',
    `${session.hostKeyFingerprint}${session.hostKeyNewlyPinned ? ', pinned on first use' : ''}`,
  )
  return session
}

async function findRecording(api: RestClient, session: Session): Promise<RecordingId> {
  const { items } = await api.get<Page<Recording>>(`/api/recordings?sessionId=${session.id}`)
  const [recording] = items
  if (!recording) throw new Error('the session was not recorded')
  return recording.id
}
