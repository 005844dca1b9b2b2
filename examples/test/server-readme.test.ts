import { mkdir, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startProcess } from '@krown/testkit/child-process'
import { createTempDir } from '@krown/testkit/temp-dir'
import { expect, test } from 'vitest'
import { fencedBlocks, readDocument } from './markdown.js'
import { CHECKOUT, plainEnvironment } from './run-example.js'

const programs = fencedBlocks(readDocument('packages/server/README.md')).filter(
  ({ language }) => language === 'js',
)

/** As after `npm install` in a project of one's own. */
async function installPackages(directory: string): Promise<void> {
  const modules = join(directory, 'node_modules')
  await mkdir(join(modules, '@krown'), { recursive: true })
  for (const name of ['core', 'server'])
    await symlink(join(CHECKOUT, 'packages', name), join(modules, '@krown', name))
  for (const name of ['fastify', 'pino'])
    await symlink(join(CHECKOUT, 'packages/server/node_modules', name), join(modules, name))
}

test.each([
  [programs[0], '/ops/healthz'],
  [programs[1], '/healthz'],
])('the programs in packages/server/README.md run as they are written: %#', async (program, path) => {
  await using directory = await createTempDir()
  await installPackages(directory.path)
  await writeFile(join(directory.path, 'program.mjs'), program?.text ?? '')
  const env = plainEnvironment({ PORT: '0' })
  const options = { cwd: directory.path, env }
  const server = startProcess({ command: process.execPath, args: ['program.mjs'], options })
  const [, origin = ''] = await server.untilLog(/^(http:\/\/[^/\s]+)(?:\/ops\/docs)?$/m)
  const answer = await fetch(origin + path)
  expect(await answer.json()).toEqual({ status: 'ok' })
  server.kill('SIGTERM')
  await server.exited()
  expect(server.log()).not.toMatch(/error/i)
})
