import { existsSync } from 'node:fs'
import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createKrownClient } from '@krown/sdk'
import { runProcess } from '@krown/testkit/child-process'
import { type LocalSshServer, startLocalSshServer } from '@krown/testkit/start-local-ssh-server'
import { createTempDir, type TempDir } from '@krown/testkit/temp-dir'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Gateway, startGateway } from '../support/start-gateway.js'
import { fencedBlocks, readDocument } from './markdown.js'
import { CHECKOUT, plainEnvironment } from './run-example.js'

const ADA = { username: 'ada', password: 'correct horse battery' }
const hasWebsockets = process.env.CI === 'true' || existsSync('/usr/lib/python3/dist-packages/websockets')

let directory: TempDir
let target: LocalSshServer
let gateway: Gateway
let client: ReturnType<typeof createKrownClient>

beforeAll(async () => {
  directory = await createTempDir()
  target = await startLocalSshServer()
  gateway = await startGateway(directory.path)
  client = createKrownClient({ url: gateway.url, credentials: ADA })
  await client.auth.register({ ...ADA, setupToken: gateway.setupToken })
})

afterAll(async () => {
  await client?.close()
  await gateway?.[Symbol.asyncDispose]()
  await target?.stop()
  await directory?.stop()
})

/** What the document has its reader export. */
const environment = (more: NodeJS.ProcessEnv = {}) =>
  plainEnvironment({
    KROWN_URL: gateway.url,
    PASSWORD: ADA.password,
    SSH_HOST: target.host,
    SSH_PORT: String(target.port),
    SSH_USER: target.username,
    SSH_PASSWORD: target.password,
    XDG_CONFIG_HOME: directory.path,
    ...more,
  })

function programBelow(heading: string, language: string): string {
  const [, section = ''] = readDocument('README.md').split(`\n## ${heading}\n`)
  return fencedBlocks(section).find((block) => block.language === language)?.text ?? ''
}

test('what README.md says from a terminal runs as it is written', async () => {
  const args = ['-euo', 'pipefail', '-c', programBelow('From a terminal', 'bash')]
  const output = await runProcess({ command: 'bash', args, options: { cwd: CHECKOUT, env: environment() } })
  expect(output).toContain('signed in')
  expect(output).toMatch(/^(?:Linux|Darwin) \S+$/m)
  expect(output).toContain('command.finished')
})

test('what README.md says from TypeScript runs as it is written', async () => {
  await symlink(join(CHECKOUT, 'node_modules'), join(directory.path, 'node_modules'))
  await writeFile(join(directory.path, 'program.mjs'), programBelow('From TypeScript', 'js'))
  const options = { cwd: directory.path, env: environment() }
  const output = await runProcess({ command: process.execPath, args: ['program.mjs'], options })
  expect(output).toBe('1\n2\n3\ncompleted\n')
})

test.runIf(hasWebsockets)('what README.md says from any language runs as it is written', async () => {
  const { host, port, username, password } = target
  const session = await client.sessions.open({ host, port, username, auth: { method: 'password', password } })
  await session.exec('echo seen')
  await session.close()
  const { accessToken } = await signIn()
  const env = environment({ KROWN_URL: `${gateway.url}/`, TOKEN: accessToken, SESSION: session.id })
  const args = ['-c', programBelow('From any language', 'python')]
  const output = await runProcess({ command: '/usr/bin/python3', args, options: { env } })
  const messages = output.trim().split('\n')
  expect(messages.map((text) => JSON.parse(text).type)).toEqual([
    'authenticated',
    'subscribed',
    'session_status', // connecting
    'session_status', // connected
    'command_started',
    'command_output',
    'command_finished',
    'session_status',
    'unsubscribed',
  ])
})

async function signIn(): Promise<{ accessToken: string }> {
  const response = await fetch(`${gateway.url}/api/auth/login`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(ADA),
  })
  return (await response.json()) as { accessToken: string }
}
