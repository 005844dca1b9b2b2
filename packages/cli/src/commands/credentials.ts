import type { CreateCredentialInput, Credential, CredentialSecretInput } from '@krown/sdk'
import type { Command } from 'commander'
import { usageError } from '../cli-error.js'
import { type Context, connect } from '../context.js'
import { type Column, formatFields } from '../output/table.js'
import { formatTime } from '../output/time.js'
import { credentialIdOf } from '../target/credential-id.js'
import { readPrivateKey } from '../target/private-key.js'
import { Secrets } from '../terminal/secrets.js'
import type { Run } from '../verb.js'
import { collectPages, type ListOptions, printPage, withListOptions } from './list.js'

interface SecretOptions {
  readonly identity?: string
  readonly passwordStdin?: boolean
}

interface UpdateOptions extends SecretOptions {
  readonly name?: string
  readonly password?: boolean
}

export function addCredentials(program: Command, run: Run): void {
  const credentials = program
    .command('credentials')
    .description('passwords and private keys that the server keeps for targets; it never tells them')
  withListOptions(credentials.command('ls').description('list stored credentials')).action(run(list))
  credentials
    .command('show')
    .description('everything about a credential but its secret')
    .argument('<credential>', 'name or id')
    .action(run(show))
  withSecretOptions(credentials.command('create').description('store a password, or with -i a private key'))
    .argument('<name>', 'what it is called')
    .action(run(create))
  withSecretOptions(credentials.command('update').description('rename a credential or replace its secret'))
    .argument('<credential>', 'name or id')
    .option('--name <name>', 'its new name')
    .option('--password', 'ask for its new password')
    .action(run(update))
  credentials
    .command('rm')
    .description('delete a credential that no target uses')
    .argument('<credential>', 'name or id')
    .action(run(remove))
}

function withSecretOptions(command: Command): Command {
  return command
    .option('-i, --identity <file>', 'a private key, which the server will keep encrypted')
    .option(
      '--password-stdin',
      'the first line of standard input is the password, or the passphrase of the key',
    )
}

async function list(context: Context, _: [], options: ListOptions): Promise<undefined> {
  await using connection = await connect(context)
  const page = await collectPages((query) => connection.client.credentials.list(query), options)
  await printPage(context, page, COLUMNS)
}

async function show(context: Context, [nameOrId]: [string]): Promise<undefined> {
  await using connection = await connect(context)
  const { credentials } = connection.client
  const credential = await credentials.get(await credentialIdOf(connection.client, nameOrId))
  await context.output.result(credential, formatCredential)
}

async function create(context: Context, [name]: [string], options: SecretOptions): Promise<undefined> {
  await using connection = await connect(context)
  using secrets = new Secrets(context.io, options)
  const credential = await connection.client.credentials.create(await newCredential(name, options, secrets))
  await context.output.result(credential, describe)
}

async function update(context: Context, [nameOrId]: [string], options: UpdateOptions): Promise<undefined> {
  await using connection = await connect(context)
  using secrets = new Secrets(context.io, options)
  const { name, identity, password, passwordStdin } = options
  const hasSecret = identity !== undefined || password || passwordStdin
  if (name === undefined && !hasSecret)
    throw usageError('nothing is to be changed', 'give --name, --password, --password-stdin or -i')
  const id = await credentialIdOf(connection.client, nameOrId)
  const secret = hasSecret ? await secretOf(nameOrId, options, secrets) : {}
  const credential = await connection.client.credentials.update(id, {
    ...secret,
    ...(name !== undefined && { name }),
  })
  await context.output.result(credential, describe)
}

async function remove(context: Context, [nameOrId]: [string]): Promise<undefined> {
  await using connection = await connect(context)
  const id = await credentialIdOf(connection.client, nameOrId)
  const credential = await connection.client.credentials.delete(id)
  await context.output.result(credential, ({ name }) => `${name} (${id}) is deleted`)
}

async function newCredential(
  name: string,
  options: SecretOptions,
  secrets: Secrets,
): Promise<CreateCredentialInput> {
  const kind = options.identity === undefined ? 'password' : 'private_key'
  return { name, kind, ...(await secretOf(name, options, secrets)) }
}

/** The key that was named, with its passphrase if it has one, or else a password. */
async function secretOf(
  name: string,
  { identity, passwordStdin }: SecretOptions,
  secrets: Secrets,
): Promise<CredentialSecretInput> {
  if (identity === undefined) return { password: await secrets.newPassword(`password of ${name}`) }
  const key = await readPrivateKey(identity)
  if (key.isEncrypted) {
    return { privateKey: key.text, passphrase: await secrets.password(`passphrase of ${identity}`) }
  }
  if (passwordStdin) throw usageError(`${identity} needs no passphrase: leave --password-stdin out`)
  return { privateKey: key.text }
}

const describe = ({ name, id, kind, fingerprint }: Credential) =>
  `${name} (${id}) is a ${kindOf({ kind })}${fingerprint === null ? '' : `, ${fingerprint}`}`

const kindOf = ({ kind }: Pick<Credential, 'kind'>) => (kind === 'password' ? 'password' : 'private key')

function formatCredential(credential: Credential): string[] {
  return formatFields([
    ['id', credential.id],
    ['name', credential.name],
    ['kind', kindOf(credential)],
    ['fingerprint', credential.fingerprint],
    ['created', formatTime(credential.createdAt)],
    ['updated', formatTime(credential.updatedAt)],
  ])
}

const COLUMNS: readonly Column<Credential>[] = [
  { title: 'ID', text: ({ id }) => id },
  { title: 'KIND', text: kindOf },
  { title: 'UPDATED', text: ({ updatedAt }) => formatTime(updatedAt), secondary: true },
  { title: 'FINGERPRINT', text: ({ fingerprint }) => fingerprint ?? '-', secondary: true },
  { title: 'NAME', text: ({ name }) => name, flexible: true },
]
