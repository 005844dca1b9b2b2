import { readFile } from 'node:fs/promises'
import type { User } from '@krown/sdk'
import type { Command } from 'commander'
import { CliError, usageError } from '../cli-error.js'
import { configDirectory } from '../config/config-directory.js'
import { loginStore } from '../config/login-store.js'
import {
  DEFAULT_URL,
  findServerUrl,
  isUnprotected,
  normalize,
  rememberServerUrl,
} from '../config/server-url.js'
import { type Connection, type Context, connect, connectTo } from '../context.js'
import { EXIT } from '../exit-codes.js'
import { isCode } from '../output/explain-error.js'
import { formatFields } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { Secrets } from '../terminal/secrets.js'
import type { Run } from '../verb.js'

interface LoginOptions {
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly setup?: boolean
  readonly setupTokenFile?: string
}

export function addLogin(program: Command, run: Run): void {
  program
    .command('login')
    .description('sign in, and stay signed in on this machine')
    .option('--username <name>', 'who; asked for when left out')
    .option('--password-stdin', 'the first line of standard input is the password')
    .option('--setup', 'become the first administrator of a new server')
    .option('--setup-token-file <file>', 'with --setup: where the setup token is; asked for when left out')
    .action(run(login))
  program.command('logout').description('end the login of this machine').action(run(logout))
  program.command('whoami').description('who you are to the server').action(run(whoami))
}

async function login(context: Context, _: [], options: LoginOptions): Promise<undefined> {
  const { io, output } = context
  if (io.env.KROWN_TOKEN)
    throw usageError('KROWN_TOKEN is set, and counts more than a login', 'unset it first')
  using secrets = new Secrets(io, options)
  const url = (await findServerUrl(io, context.options.url)) ?? (await askUrl(secrets))
  if (isUnprotected(url)) await output.note(`${url} is not encrypted: the password can be read on the way`)
  await using connection = await connectTo(io, url)
  const credentials = options.setup
    ? await setUp(connection, secrets, options)
    : await askCredentials(secrets, options)
  const user = await connection.client.auth.login(credentials)
  await rememberServerUrl(io, url)
  await output.result(user, ({ username, role }) => `signed in to ${url} as ${username} (${role})`)
}

async function setUp({ client }: Connection, secrets: Secrets, options: LoginOptions) {
  const setupToken = await readSetupToken(secrets, options)
  const username = await askUsername(secrets, options)
  const password = await secrets.newPassword(`password of ${username}`)
  await client.auth.register({ username, password, setupToken })
  return { username, password }
}

async function askCredentials(secrets: Secrets, options: LoginOptions) {
  const username = await askUsername(secrets, options)
  return { username, password: await secrets.password(`password of ${username}`) }
}

async function askUsername(secrets: Secrets, { username }: LoginOptions): Promise<string> {
  return username ?? secrets.terminal('the user name', 'give --username').ask('User name: ')
}

async function readSetupToken(secrets: Secrets, { setupTokenFile }: LoginOptions): Promise<string> {
  if (setupTokenFile !== undefined) return (await readFile(setupTokenFile, 'utf8')).trim()
  const terminal = secrets.terminal('the setup token', 'give --setup-token-file')
  return (await terminal.ask('Setup token: ', { hidden: true })).trim()
}

async function askUrl(secrets: Secrets): Promise<string> {
  const terminal = secrets.terminal('the URL of the server', 'give --url or KROWN_URL')
  return normalize((await terminal.ask(`Server [${DEFAULT_URL}]: `)).trim() || DEFAULT_URL)
}

async function logout(context: Context): Promise<undefined> {
  const { io, output } = context
  if (io.env.KROWN_TOKEN) throw usageError('KROWN_TOKEN is set', '"krown tokens revoke" ends a token')
  await using connection = await connect(context)
  await connection.client.auth.logout().catch((error) => forget(context, connection, error))
  await output.result({ url: connection.url }, ({ url }) => `signed out of ${url}`)
}

/** Whoever signs out wants the tokens gone from here, whether or not the server can be told. */
async function forget({ io }: Context, { url }: Connection, error: unknown): Promise<never> {
  if (!isCode(error, 'CONNECTION_LOST')) throw error
  await loginStore(configDirectory(io), url).clear()
  const message = `${url} could not be told: the login was removed from this machine, but has not ended`
  throw new CliError(message, EXIT.notNow, 'it ends by itself, at the latest when its refresh token expires')
}

async function whoami(context: Context): Promise<undefined> {
  await using connection = await connect(context)
  const user = await connection.client.auth.me()
  await context.output.result(user, (me) => formatUser(me, connection.url))
}

function formatUser({ username, role, auditScope, lastLoginAt, id }: User, url: string): string[] {
  return formatFields([
    ['name', username],
    ['role', role],
    ['audit scope', auditScope],
    ['id', id],
    ['last login', formatTime(lastLoginAt)],
    ['server', url],
  ])
}
