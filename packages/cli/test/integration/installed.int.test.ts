import { cp, mkdir, readdir, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import serverPackageJson from '@krown/server/package.json' with { type: 'json' }
import { createTempDir, startLocalSshServer, type TempDir } from '@krown/testkit'
import { runProcess, startProcess } from '@krown/testkit/child-process'
import { afterAll, beforeAll, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }

const PACKAGES = fileURLToPath(new URL('../../../', import.meta.url))
const PASSWORD = 'a good long passphrase'
const CONFIG = `data_dir = "./data"
server.port = 0
ssh.outbound = { allow_loopback = true, adhoc_ports = [] }
`

let directory: TempDir
let prefix: string
beforeAll(async () => {
  directory = await createTempDir()
  prefix = join(directory.path, 'prefix')
  const tarballs = await packAll(join(directory.path, 'tarballs'))
  // The checkout is strict about engines, and a package of ours is only as strict as its user's npm.
  const flags = [
    '--engine-strict=false',
    '--ignore-scripts',
    '--prefer-offline',
    '--no-audit',
    '--loglevel=error',
  ]
  await runProcess({
    command: 'npm',
    args: ['install', '--global', '--prefix', prefix, ...flags, ...tarballs],
  })
  await copyNativeModule()
}, 180_000)
afterAll(() => directory.stop())

async function packAll(destination: string): Promise<string[]> {
  await mkdir(destination)
  const args = ['-y', 'pnpm@10.34.9', 'pack', '--pack-destination', destination]
  const pack = (name: string) => runProcess({ command: 'npx', args, options: { cwd: join(PACKAGES, name) } })
  await Promise.all(['core', 'server', 'cli'].map(pack))
  return (await readdir(destination)).map((name) => join(destination, name))
}

/** Compiling it again would take minutes: the workspace has it from the same sources. */
async function copyNativeModule(): Promise<void> {
  const { resolve } = createRequire(join(PACKAGES, 'core', 'package.json'))
  const from = dirname(resolve('better-sqlite3/package.json'))
  const to = join(prefix, 'lib/node_modules/@krown/core/node_modules/better-sqlite3')
  await cp(join(from, 'build'), join(to, 'build'), { recursive: true, dereference: true })
}

const env = () => ({ PATH: process.env.PATH, HOME: directory.path })
const run = (command: string, args: string[], input = '') =>
  runProcess(
    { command: join(prefix, 'bin', command), args, options: { env: env(), cwd: directory.path } },
    input,
  )

test('the command line is one package without dependencies', async () => {
  const installed = join(prefix, 'lib/node_modules/@krown/cli')
  expect((await readdir(installed, { recursive: true })).sort()).toEqual(
    [
      'LICENSE',
      'README.md',
      'bin',
      'bin/krown.js',
      'dist',
      'dist/main.js',
      'dist/THIRD-PARTY.txt',
      'package.json',
    ].sort(),
  )
})

test('server and command line, installed from their tarballs, work without the workspace', async () => {
  expect(await run('krown', ['--version'])).toBe(`${packageJson.version}\n`)
  expect(await run('krown-server', ['--version'])).toBe(`${serverPackageJson.version}\n`)

  await using target = await startLocalSshServer()
  await writeFile(join(directory.path, 'krown.toml'), CONFIG, { mode: 0o600 })
  const server = startProcess({
    command: join(prefix, 'bin', 'krown-server'),
    args: ['start', '--config', 'krown.toml'],
    options: { env: env(), cwd: directory.path },
  })
  try {
    const [, url = ''] = await server.untilLog(/Krown listens on (\S+)\n/)
    const login = ['login', '--url', url, '--setup', '--username', 'ada', '--password-stdin']
    await run('krown', [...login, '--setup-token-file', 'data/setup-token'], PASSWORD)
    const host = [`${target.username}@${target.host}`, '-p', String(target.port), '--password-stdin']
    expect(
      await run('krown', ['exec', ...host, '--', 'cat'], `${target.password}\nthrough all of it\n`),
    ).toBe('through all of it\n')
    expect(await run('krown', ['journal', 'verify'])).toMatch(/^verified: /)
  } finally {
    await server.stop()
  }
})
