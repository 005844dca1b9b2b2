import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import {
  createTempDir,
  findFreePort,
  type LocalSshServer,
  type PostgresServer,
  queryPostgres,
  SecretScan,
  startLocalSshServer,
  startPostgres,
  type TempDir,
} from '@krown/testkit'
import { processTree } from '@krown/testkit/process-tree'
import { runServer, type ServerProcess } from '../../../../server/test/support/server-process.js'
import { sqliteTables } from '../../../../server/test/support/sqlite-tables.js'

export type DatabaseKind = 'sqlite' | 'postgres'

/** The line of a private key that holds of its secret part. */
const SECRET_LINE = 4

/** A real krown-server with a secret in every place that takes one, and the scan that must find none of them. */
export class SecretWorld implements AsyncDisposable {
  readonly scan: SecretScan
  readonly server: ServerProcess
  readonly url: string
  readonly target: LocalSshServer
  readonly setupToken: string
  readonly #dir: TempDir
  readonly #env: Record<string, string>
  readonly #postgres: PostgresServer | undefined

  private constructor(parts: Started & { url: string }) {
    this.scan = parts.scan
    this.server = parts.server
    this.url = parts.url
    this.target = parts.target
    this.setupToken = parts.setupToken
    this.#dir = parts.dir
    this.#env = parts.env
    this.#postgres = parts.postgres
  }

  static async start(kind: DatabaseKind): Promise<SecretWorld> {
    const scan = new SecretScan()
    const dir = await createTempDir()
    const postgres = kind === 'postgres' ? await startPostgres() : undefined
    const target = await startLocalSshServer({ password: newSecret(scan, 'password of the target') })
    hideKey(scan, 'key that the target takes', target.privateKey)
    const setupToken = newSecret(scan, 'setup token')
    const env = await environment(scan, dir.path, {
      setupToken,
      databaseUrl: postgres && (await postgres.createDatabase('krown')),
    })
    const server = runServer(['start'], { env })
    return new SecretWorld({
      ...{ scan, server, target, setupToken, dir, env, postgres },
      url: await server.url(),
    })
  }

  get dataDir(): string {
    return this.#env.KROWN_DATA_DIR ?? ''
  }

  /** A new secret, which is looked for from now on. */
  secret(name: string): string {
    return newSecret(this.scan, name)
  }

  /** A private key that needs its passphrase; both are looked for. */
  encryptedKey(name: string): { privateKey: string; passphrase: string } {
    const passphrase = this.secret(`passphrase of ${name}`)
    const { privateKey } = generateKeyPairSync('rsa', {
      modulusLength: 2048,
      publicKeyEncoding: { type: 'spki', format: 'pem' },
      privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
    })
    return { privateKey: hideKey(this.scan, name, privateKey), passphrase }
  }

  /** A token that the server made: its signature or secret part is looked for by itself as well. */
  hideToken(name: string, token: unknown): string {
    const text = this.scan.hide(name, String(token))
    this.scan.hide(name, text.split('.').at(-1) ?? text)
    return text
  }

  /** Another command of krown-server beside the running one. */
  async administer(args: string[], { stdin = '', keepsStdout = true } = {}): Promise<string> {
    await using running = runServer(args, { env: this.#env, stdin })
    const { stdout, stderr } = await running.exited
    this.scan.keep('krown-server', args.join(' '), stderr)
    if (keepsStdout) this.scan.keep('krown-server', args.join(' '), stdout)
    return stdout.trim()
  }

  /** A server that finds no database where it was told there is one. */
  async failToConnect(): Promise<void> {
    const password = newSecret(this.scan, 'password of a database that is away')
    const url = new URL(`postgres://krown@127.0.0.1:${await findFreePort()}/krown`)
    url.password = password
    const file = await secretFile(this.#dir.path, 'away', url.href)
    const env = {
      ...this.#env,
      KROWN_DATABASE__URL_FILE: file,
      KROWN_DATA_DIR: join(this.#dir.path, 'other'),
    }
    await using running = runServer(['migrate'], { env })
    const { stdout, stderr } = await running.exited
    this.scan.keep('krown-server', 'migrate without a database', stdout + stderr)
  }

  /** Keeps what is on the disk, in the database and told of the process at this moment. */
  async keepState(): Promise<void> {
    this.scan.keepFiles('files', this.dataDir)
    for (const pid of await processTree(this.server.pid)) this.scan.keepProcess('processes', pid)
    for (const [table, text] of await this.#tables()) this.scan.keep('tables', table, text)
    if (!this.#postgres) return
    const [[directory = ''] = []] = await queryPostgres(this.#postgres.url(), 'SHOW data_directory')
    this.scan.keepFiles('files', join(String(directory), 'pg_wal'))
    this.scan.keep('log', 'PostgreSQL', this.#postgres.log())
  }

  async stop(): Promise<void> {
    this.server.kill('SIGTERM')
    const { stdout, stderr } = await this.server.exited
    this.scan.keep('log', 'krown-server', stdout + stderr)
    this.scan.keepFiles('files', this.dataDir)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.target.stop()
    await this.#postgres?.stop()
    await this.#dir.stop()
  }

  async #tables(): Promise<[string, string][]> {
    return this.#postgres
      ? postgresTables(this.#postgres.url('krown'))
      : sqliteTables(join(this.dataDir, 'krown.db'))
  }
}

interface Started {
  readonly scan: SecretScan
  readonly server: ServerProcess
  readonly target: LocalSshServer
  readonly setupToken: string
  readonly dir: TempDir
  readonly env: Record<string, string>
  readonly postgres: PostgresServer | undefined
}

function newSecret(scan: SecretScan, name: string): string {
  return scan.hide(name, `canary/${randomBytes(24).toString('base64url')}`)
}

function hideKey(scan: SecretScan, name: string, privateKey: string): string {
  scan.hide(name, privateKey.split('\n')[SECRET_LINE] ?? '')
  return privateKey
}

/** 32 bytes as they are written in a configuration, looked for in that form and as bytes. */
function newKey(scan: SecretScan, name: string): string {
  const bytes = scan.hide(name, randomBytes(32))
  return scan.hide(name, bytes.toString('base64'))
}

async function secretFile(dir: string, name: string, content: string): Promise<string> {
  const path = join(dir, 'secrets', name)
  await mkdir(join(dir, 'secrets'), { recursive: true })
  await writeFile(path, content, { mode: 0o600 })
  return path
}

/** The secrets are in files beside the data directory, so that the environment of the process can be looked at too. */
async function environment(
  scan: SecretScan,
  dir: string,
  { setupToken, databaseUrl }: { setupToken: string; databaseUrl: string | undefined },
) {
  const secrets: Record<string, string> = {
    AUTH__JWT_SECRET: newKey(scan, 'secret of access tokens'),
    AUTH__PREVIOUS_JWT_SECRETS: newKey(scan, 'former secret of access tokens'),
    AUTH__SETUP_TOKEN: setupToken,
    VAULT__MASTER_KEY: newKey(scan, 'master key'),
    VAULT__PREVIOUS_MASTER_KEYS: newKey(scan, 'former master key'),
  }
  if (databaseUrl) {
    const url = new URL(databaseUrl)
    url.password = newSecret(scan, 'password of the database')
    secrets.DATABASE__URL = url.href
  }
  const env: Record<string, string> = {
    KROWN_DATA_DIR: join(dir, 'data'),
    KROWN_SERVER__PORT: '0',
    KROWN_SSH__OUTBOUND__ALLOW_LOOPBACK: 'true',
    KROWN_SSH__OUTBOUND__ADHOC_PORTS: '',
    KROWN_AUTH__REGISTRATION: 'invite',
    KROWN_LOGGING__LEVEL: 'debug',
    KROWN_LOGGING__FORMAT: 'json',
  }
  for (const [name, secret] of Object.entries(secrets))
    env[`KROWN_${name}_FILE`] = await secretFile(dir, name, secret)
  return env
}

async function postgresTables(url: string): Promise<[string, string][]> {
  const system = `('pg_catalog', 'information_schema')`
  const tables = await queryPostgres(
    url,
    `select format('%I.%I', table_schema, table_name) from information_schema.tables where table_schema not in ${system}`,
  )
  const texts: [string, string][] = []
  for (const [table = ''] of tables) {
    const rows = await queryPostgres(url, `select t::text from ${table} t`)
    texts.push([String(table), rows.join('\n')])
  }
  return texts
}
