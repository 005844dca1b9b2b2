import { readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { startProcess } from '@krown/testkit/child-process'

const require = createRequire(import.meta.url)
const KROWN_SERVER = join(dirname(require.resolve('@krown/server/package.json')), 'bin', 'krown-server.cjs')

/** SQLite, a free port, and targets on this machine allowed: they are refused unless one says so. */
const CONFIG = `data_dir = "./data"

[server]
port = 0
drain_timeout = "2s"

[ssh.outbound]
allow_loopback = true
adhoc_ports = []

[logging]
file = "./krown.log"
`

export interface Gateway extends AsyncDisposable {
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Makes whoever registers with it the first administrator. */
  readonly setupToken: string
  readonly setupTokenFile: string
}

/** Runs `krown-server start` as a process of its own, with all its files in `directory`. */
export async function startGateway(directory: string): Promise<Gateway> {
  const config = join(directory, 'krown.toml')
  await writeFile(config, CONFIG, { mode: 0o600 })
  const server = startProcess({
    command: process.execPath,
    args: [KROWN_SERVER, 'start', '--config', config],
    options: { env: withoutKrown(process.env) },
  })
  const [, url = ''] = await server.untilLog(/Krown listens on (\S+)\n/)
  const setupTokenFile = join(directory, 'data', 'setup-token')
  const setupToken = (await readFile(setupTokenFile, 'utf8')).trim()
  return { url, setupToken, setupTokenFile, [Symbol.asyncDispose]: () => server.stop() }
}

/** The environment without what would configure the server otherwise than the file. */
function withoutKrown(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const isForKrown = (name: string) => /^(?:KROWN_.*|JWT_SECRET|DATABASE_URL)$/.test(name)
  return Object.fromEntries(Object.entries(env).filter(([name]) => !isForKrown(name)))
}
