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
import { HintedError } from '../output/hinted-error.js'
import { formatFields } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { Secrets } from '../terminal/secrets.js'
import type { Run } from '../verb.js'

interface LoginOptions {
  readonly username?: string
  readonly passwordStdin?: boolean
  readonly setup?: boolean
  readonly setupTokenFile?: string
  readonly invite?: boolean
  readonly inviteFile?: string
}

export function addLogin(program: Command, run: Run): void {
  program
    .command('login')
    .description('sign in, and stay signed in on this machine')
    .option('--username <name>', 'who; asked for when left out')
    .option('--password-stdin', 'the first line of standard input is the password')
    .option('--setup', 'become the first administrator of a new server')
    .option('--setup-token-file <file>', 'with --setup: where the setup token is; asked for when left out')
    .option('--invite', 'register with an invite first')
    .option('--invite-file <file>', 'with --invite: where the invite is; asked for when left out')
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
  // Before anybody types a password for nothing.
  await connection.client.system.info()
  const credentials = await askWho(connection, secrets, options)
  const user = await connection.client.auth.login(credentials).catch(refuseLogin)
  await rememberServerUrl(io, url)
  await output.result(user, ({ username, role }) => `signed in to ${url} as ${username} (${role})`)
}

/** Who is about to sign in need not be told to. */
function refuseLogin(error: unknown): never {
  if (!isCode(error, 'UNAUTHENTICATED')) throw error
  throw new HintedError(error, 'check the user name and the password, and try again')
}

async function askWho(connection: Connection, secrets: Secrets, options: LoginOptions) {
  if (options.setup)
    return register(connection, secrets, { ...options, setupToken: await readSetupToken(secrets, options) })
  if (options.invite)
    return register(connection, secrets, { ...options, inviteToken: await readInvite(secrets, options) })
  const username = await askUsername(secrets, options)
  return { username, password: await secrets.password(`password of ${username}`) }
}

async function register(
  { client }: Connection,
  secrets: Secrets,
  { setupToken, inviteToken, ...options }: LoginOptions & { setupToken?: string; inviteToken?: string },
) {
  const username = await askUsername(secrets, options)
  const password = await secrets.newPassword(`password of ${username}`)
  await client.auth.register({ username, password, setupToken, inviteToken })
  return { username, password }
}

async function askUsername(secrets: Secrets, { username }: LoginOptions): Promise<string> {
  return username ?? secrets.terminal('the user name', 'give --username').ask('User name: ')
}

function readSetupToken(secrets: Secrets, { setupTokenFile }: LoginOptions): Promise<string> {
  return readToken(secrets, { file: setupTokenFile, name: 'setup token', option: '--setup-token-file' })
}

function readInvite(secrets: Secrets, { inviteFile }: LoginOptions): Promise<string> {
  return readToken(secrets, { file: inviteFile, name: 'invite', option: '--invite-file' })
}

async function readToken(
  secrets: Secrets,
  { file, name, option }: { file: string | undefined; name: string; option: string },
): Promise<string> {
  if (file !== undefined) return (await readFile(file, 'utf8')).trim()
  const question = `${name.charAt(0).toUpperCase()}${name.slice(1)}: `
  return (await secrets.terminal(`the ${name}`, `give ${option}`).ask(question, { hidden: true })).trim()
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
