// A Python program follows a session over /ws while commands run in it.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createTempDir } from '@krown/testkit/temp-dir'
import { exampleTarget } from '../support/example-target.js'
import { startGateway } from '../support/start-gateway.js'

await using directory = await createTempDir()
await using target = await exampleTarget()
await using gateway = await startGateway(directory.path)

async function rest(line: string, body?: object, token = ''): Promise<Record<string, string>> {
  const [method = '', path = ''] = line.split(' ')
  const response = await fetch(gateway.url + path, {
    method,
    headers: { authorization: `Bearer ${token}`, ...(body && { 'content-type': 'application/json' }) },
    ...(body && { body: JSON.stringify(body) }),
  })
  return (await response.json()) as Record<string, string>
}

const person = { username: 'ada', password: 'correct horse battery' }
await rest('POST /api/auth/register', { ...person, setupToken: gateway.setupToken })
const { accessToken = '' } = await rest('POST /api/auth/login', person)
const { host, port, username, auth } = target
const session = await rest('POST /api/sessions', { host, port, username, auth }, accessToken)

const program = fileURLToPath(new URL('watch.py', import.meta.url))
// A slash at the end of the URL is what one gets by copying it from a browser.
const url = `${gateway.url}/`
const watcher = spawn('/usr/bin/python3', [program, session.id ?? ''], {
  env: { PATH: process.env.PATH, KROWN_URL: url, KROWN_TOKEN: accessToken },
  stdio: ['ignore', 'inherit', 'inherit'],
})
const ended = once(watcher, 'close')

for (const command of ['echo hello, wörld', 'printf "\\377\\376\\n"; exit 3']) {
  await rest(`POST /api/sessions/${session.id}/execute`, { command }, accessToken)
}
await rest(`DELETE /api/sessions/${session.id}`, undefined, accessToken)
const [exitCode] = await ended
process.exitCode = exitCode
