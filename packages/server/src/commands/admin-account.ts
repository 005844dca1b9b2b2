import { randomBytes } from 'node:crypto'
import { type KrownAdmin, KrownError, openKrownAdmin } from '@krown/core'
import type { Io } from './io.js'
import { type ConfigOptions, readConfig } from './read-config.js'

export interface AccountOptions extends ConfigOptions {
  readonly username: string
  readonly passwordStdin?: boolean
}

export interface ChosenPassword {
  readonly password: string
  /** Nobody knows it yet: it must be shown. */
  readonly isGenerated: boolean
}

/** Longer than any password may be; who pipes more in has the wrong file. */
const MAX_STDIN_BYTES = 4096
const GENERATED_BYTES = 18

/**
 * The password from standard input, or a new one when there is a terminal to show it on.
 *
 * @throws KrownError VALIDATION_FAILED
 */
export async function choosePassword({ passwordStdin }: AccountOptions, io: Io): Promise<ChosenPassword> {
  if (passwordStdin) return { password: await readPassword(io.stdin), isGenerated: false }
  if (io.stdout.isTTY)
    return { password: randomBytes(GENERATED_BYTES).toString('base64url'), isGenerated: true }
  const message = 'give the password with --password-stdin: there is no terminal to show a generated one on'
  throw new KrownError('VALIDATION_FAILED', message)
}

async function readPassword(stdin: Io['stdin']): Promise<string> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of stdin) {
    chunks.push(Buffer.from(chunk))
    bytes += chunk.length
    if (bytes > MAX_STDIN_BYTES) throw new KrownError('VALIDATION_FAILED', 'the password is too long')
  }
  return Buffer.concat(chunks)
    .toString('utf8')
    .replace(/\r?\n$/, '')
}

/** Opens the database beside a server that may run, up to date if Krown may see to that itself. */
export async function openAdmin(options: ConfigOptions, io: Io): Promise<KrownAdmin> {
  const config = readConfig(options, io)
  const admin = await openKrownAdmin(config)
  if (config.database.migrate === 'auto') await admin.migrate()
  return admin
}

/** Once and on a terminal only: it is in no file and no log. */
export function showGenerated({ password, isGenerated }: ChosenPassword, io: Io): void {
  if (isGenerated) io.stdout.write(`Password, shown this once: ${password}\n`)
}
