import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProcess } from '@krown/testkit/child-process'
import { startLocalSshServer } from '@krown/testkit/start-local-ssh-server'
import { createTempDir } from '@krown/testkit/temp-dir'
import { expect, test } from 'vitest'
import openApi from '../../packages/server/openapi.json' with { type: 'json' }
import { startGateway } from '../support/start-gateway.js'
import { fencedBlocks, readDocument } from './markdown.js'

interface Call {
  /** `POST /api/sessions` */
  readonly route: string
  readonly script: string
  /** Undefined where the answer has no body. */
  readonly answer: unknown
}

const SECTION = /^### .* `([A-Z]+ \/\S+)`$/m

const calls: Call[] = readDocument('docs/reference/rest.md')
  .split(/^(?=#{2,3} )/m)
  .flatMap((section) => {
    const route = SECTION.exec(section)?.[1]
    if (route === undefined) return []
    const blocks = fencedBlocks(section)
    const script = blocks.find(({ language }) => language === 'bash')?.text ?? ''
    const json = blocks.findLast(({ language }) => language === 'json')
    return [{ route, script, answer: json && JSON.parse(json.text) }]
  })

/** What the document says one has to note for what follows. */
const NOTED: Readonly<Record<string, (answer: Record<string, unknown>) => Record<string, string>>> = {
  'POST /api/auth/login': ({ accessToken, refreshToken }) => ({
    AUTH: `authorization: Bearer ${accessToken}`,
    REFRESH_TOKEN: String(refreshToken),
  }),
  'POST /api/tokens': ({ id }) => ({ TOKEN_ID: String(id) }),
  'POST /api/users': ({ id }) => ({ USER_ID: String(id) }),
  'POST /api/credentials': ({ id }) => ({ CREDENTIAL_ID: String(id) }),
  'POST /api/host-keys': ({ id }) => ({ HOST_KEY_ID: String(id) }),
  'POST /api/invites': ({ id }) => ({ INVITE_ID: String(id) }),
  'POST /api/targets': ({ id }) => ({ TARGET_ID: String(id) }),
  'POST /api/access-rules': ({ id }) => ({ RULE_ID: String(id) }),
  'GET /api/auth/logins': ({ items }) => ({
    LOGIN_ID: String((items as { id: string; current: boolean }[]).find(({ current }) => !current)?.id),
  }),
  'POST /api/sessions': ({ id }) => ({ SESSION: String(id) }),
  'GET /api/recordings': ({ items }) => ({ RECORDING: String((items as { id: string }[])[0]?.id) }),
  'POST /api/sessions/{sessionId}/execute': ({ id }) => ({ COMMAND: String(id) }),
  'POST /api/sessions/{sessionId}/shells': ({ id }) => ({ CHANNEL: String(id) }),
}

test('the REST reference has every route, and no other', () => {
  const routes = Object.entries(openApi.paths).flatMap(([path, methods]) =>
    Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
  )
  expect(calls.map(({ route }) => route).toSorted()).toEqual(routes.toSorted())
})

test('every call in the REST reference is answered as it says', async () => {
  await using directory = await createTempDir()
  await using target = await startLocalSshServer()
  await using gateway = await startGateway(directory.path)
  const { host, port, username, password } = target
  const openSession = { host, port, username, auth: { method: 'password', password } }
  await writeFile(join(directory.path, 'open-session.json'), JSON.stringify(openSession))
  await writeFile(join(directory.path, 'place.json'), JSON.stringify({ host, port }))
  let environment: Record<string, string | undefined> = {
    PATH: process.env.PATH,
    KROWN_URL: gateway.url,
    JSON: 'content-type: application/json',
    SETUP_TOKEN: gateway.setupToken,
  }
  const signIn = calls.find(({ route }) => route === 'POST /api/auth/login')?.script ?? ''
  // Whoever has signed out can do nothing more.
  const isLast = ({ route }: Call) => route === 'POST /api/auth/logout'
  for (const { route, script, answer } of [
    ...calls.filter((call) => !isLast(call)),
    ...calls.filter(isLast),
  ]) {
    const run = (text: string) => {
      const options = { cwd: directory.path, env: environment }
      return runProcess({ command: 'bash', args: ['-euc', text], options })
    }
    // Somewhere else somebody signs in as well.
    if (route === 'GET /api/auth/logins') await run(signIn)
    const output = await run(script)
    const received = output === '' ? undefined : JSON.parse(output)
    expect(shapeOf(received), `${route} was answered with ${output}`).toEqual(shapeOf(answer))
    environment = { ...environment, ...NOTED[route]?.(received) }
  }
})

/** Names and types, as deep as they are fixed. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.slice(0, 1).map(shapeOf)
  if (typeof value !== 'object' || value === null) return typeof value
  const isOpen = (name: string) => name === 'facts' || name === 'details'
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [name, isOpen(name) ? 'open' : shapeOf(inner)]),
  )
}
