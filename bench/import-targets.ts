import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startPostgres } from '@krown/testkit/start-postgres'
import { createTempDir } from '@krown/testkit/temp-dir'
import type { Figure, Scenario } from './lib/scenario.js'
import { ServerProcess } from './lib/server-process.js'

const KROWN = fileURLToPath(new URL('../packages/cli/bin/krown.js', import.meta.url))
const HOSTS = 5_000
const AT_MOST_MS = 5_000
const MAX_OUTPUT_BYTES = 64 * 1024 * 1024
/** Only to say which targets may be reached; nothing is. */
const NETWORK = { host: '10.0.0.0/8', port: 2200, username: 'root', privateKey: '' }

const run = promisify(execFile)

export const scenario: Scenario = {
  name: 'import-targets',
  title: `krown targets import of an ssh_config with ${HOSTS} hosts, from the start of the process to its end`,
  run: async () => {
    await using postgres = await startPostgres()
    return [...(await figuresOn('SQLite')), ...(await figuresOn('PostgreSQL', postgres.url()))]
  },
}

async function figuresOn(database: string, databaseUrl?: string): Promise<Figure[]> {
  await using dir = await createTempDir()
  await using server = await ServerProcess.start(NETWORK, {}, databaseUrl)
  const file = join(dir.path, 'ssh_config')
  await writeFile(file, sshConfig())
  const env = {
    PATH: process.env.PATH,
    HOME: dir.path,
    KROWN_URL: server.url,
    KROWN_TOKEN: await server.signIn(),
  }
  const timed = async (expected: string, ...options: string[]) => {
    const begin = performance.now()
    const args = [KROWN, 'targets', 'import', '--ssh-config', file, ...options]
    const { stdout } = await run(process.execPath, args, { env, maxBuffer: MAX_OUTPUT_BYTES })
    const took = performance.now() - begin
    if (!stdout.includes(expected)) throw new Error(`the import did not say ${expected}`)
    return took
  }
  const figure = (what: string, value: number): Figure => ({
    what: `${what}, ${database}`,
    value,
    unit: 'ms',
    target: { atMost: AT_MOST_MS },
  })
  return [
    figure('dry run', await timed(`${HOSTS} would be created`, '--dry-run')),
    figure('import', await timed(`${HOSTS} created`)),
    figure('import of the same', await timed(`${HOSTS} unchanged`)),
    figure('import that adds a tag to each', await timed(`${HOSTS} updated`, '--tag', 'another')),
  ]
}

/** A tenth of them are bastions, and the others behind those. */
function sshConfig(): string {
  const hosts = Array.from({ length: HOSTS }, (_, n) => {
    const lines = [`Host host-${n}`, `  HostName 10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`]
    if (n % 10 > 0) lines.push(`  ProxyJump host-${n - (n % 10)}`)
    return lines.join('\n')
  })
  return `${hosts.join('\n')}\nHost *\n  User root\n  Port ${NETWORK.port}\n`
}
