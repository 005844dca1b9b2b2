import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runProcess } from '@krown/testkit/child-process'
import { type LocalSshServer, startLocalSshServer } from '@krown/testkit/start-local-ssh-server'
import { createTempDir } from '@krown/testkit/temp-dir'
import { expect, test } from 'vitest'
import { startGateway } from '../support/start-gateway.js'
import { fencedBlocks, readDocument } from './markdown.js'
import { CHECKOUT } from './run-example.js'

/** What the documents have their reader set: everything that differs from place to place. */
const variables = ({ host, port, username, password }: LocalSshServer) => ({
  PATH: process.env.PATH,
  SSH_HOST: host,
  SSH_PORT: String(port),
  SSH_USER: username,
  SSH_PASSWORD: password,
})

/** The blocks of a language below a heading, as one text. */
function blocksBelow(path: string, heading: string, language: string): string[] {
  const [, section = ''] = readDocument(path).split(`\n## ${heading}\n`)
  const [text = ''] = section.split(/^## /m)
  return fencedBlocks(text).flatMap((block) => (block.language === language ? [block.text] : []))
}

/** Runs a program as a reader would: saved to a file, beside the packages of the checkout. */
async function runSaved(program: string, target: LocalSshServer): Promise<string> {
  await using directory = await createTempDir()
  await symlink(join(CHECKOUT, 'node_modules'), join(directory.path, 'node_modules'))
  await writeFile(join(directory.path, 'first-command.mjs'), program)
  const options = { cwd: directory.path, env: variables(target) }
  return await runProcess({ command: process.execPath, args: ['first-command.mjs'], options })
}

const PROGRAM_OUTPUT = /^completed 0 \S+ .+\n\n(?:\d+ [a-z_.]+ success\n){6}verified: true\n$/

test.each([
  ['README.md', 'As a library'],
  ['docs/guide/quick-start.md', 'With a program'],
])('the program in %s runs as it is written', async (path, heading) => {
  await using target = await startLocalSshServer()
  const [program = ''] = blocksBelow(path, heading, 'js')
  expect(await runSaved(program, target)).toMatch(PROGRAM_OUTPUT)
})

test('the quick start goes from a setup token to a journaled command as it is written', async () => {
  await using directory = await createTempDir()
  await using target = await startLocalSshServer()
  await using gateway = await startGateway(directory.path)
  // The first two start a server and say where everything is.
  const [, , ...steps] = blocksBelow('docs/guide/quick-start.md', 'With curl', 'bash')
  const env = { ...variables(target), KROWN_URL: gateway.url, SETUP_TOKEN: gateway.setupToken }
  const script = `set -euo pipefail\n${steps.join('\n')}`
  const output = await runProcess({ command: 'bash', args: ['-c', script], options: { env } })
  expect(output).toContain('"role":"admin"')
  expect(output).toMatch(/"command":"uname -sr","status":"completed","exitCode":0/)
  expect(output).toContain('"action":"command.finished","outcome":"success"')
  expect(output).toContain('"ok":true')
  expect(output).toContain('"statusReason":"closed_by_user"')
})

test('the requests in README.md run as they are written', async () => {
  await using directory = await createTempDir()
  await using target = await startLocalSshServer()
  await using gateway = await startGateway(directory.path)
  const admin = { username: 'ada', password: 'correct horse battery', setupToken: gateway.setupToken }
  const registered = await fetch(`${gateway.url}/api/auth/register`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(admin),
  })
  expect(registered.status).toBe(201)
  const [script = ''] = blocksBelow('README.md', 'As a server', 'bash').slice(-1)
  const env = { ...variables(target), KROWN_URL: gateway.url, PASSWORD: admin.password }
  const output = await runProcess({
    command: 'bash',
    args: ['-euo', 'pipefail', '-c', script],
    options: { env },
  })
  expect(output).toMatch(/"command":"uname -sr","status":"completed","exitCode":0/)
  expect(output).toContain('"action":"command.finished","outcome":"success"')
})
