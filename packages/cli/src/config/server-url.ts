import { join } from 'node:path'
import { usageError } from '../cli-error.js'
import type { Io } from '../io.js'
import { configDirectory } from './config-directory.js'
import { readPrivateFile, writePrivateFile } from './private-file.js'

export const DEFAULT_URL = 'http://127.0.0.1:8080'

/** The server that is meant: by option, by environment, or that of the last login; undefined when none is known. */
export async function findServerUrl(io: Io, option: string | undefined): Promise<string | undefined> {
  const url = option || io.env.KROWN_URL || (await readRemembered(io))
  return url === undefined ? undefined : normalize(url)
}

export async function rememberServerUrl(io: Io, url: string): Promise<void> {
  await writePrivateFile(configFile(io), `${JSON.stringify({ url }, null, 2)}\n`)
}

/** One spelling for one server. @throws CliError */
export function normalize(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined
  if (!url || !/^https?:$/.test(url.protocol))
    throw usageError('the URL of the server must begin with http:// or https://')
  if (url.username || url.password)
    throw usageError('the URL of the server must not hold a user name or password')
  return url.origin + url.pathname.replace(/\/+$/, '')
}

/** What is sent there can be read on the way. */
export function isUnprotected(url: string): boolean {
  const { protocol, hostname } = new URL(url)
  return protocol === 'http:' && !/^(?:localhost|127(?:\.\d+){3}|\[::1\])$/.test(hostname)
}

async function readRemembered(io: Io): Promise<string | undefined> {
  const path = configFile(io)
  const text = await readPrivateFile(path)
  if (text === undefined) return undefined
  try {
    const { url } = JSON.parse(text)
    if (typeof url === 'string') return url
  } catch {
    // Said below.
  }
  throw usageError(
    `${path} is not what krown wrote there`,
    'remove it, or sign in again with "krown login --url …"',
  )
}

function configFile(io: Io): string {
  return join(configDirectory(io), 'config.json')
}
