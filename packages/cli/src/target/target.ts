import { userInfo } from 'node:os'
import { usageError } from '../cli-error.js'

const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/i

/** Is it an id of Krown's, and not a name? */
export function isId(text: string): boolean {
  return UUID.test(text)
}

/** Splits `[user@]host`; as in ssh, whoever names no user is meant under the same name there. */
export function parseTarget(text: string): { host: string; username: string } {
  const at = text.lastIndexOf('@')
  const host = text.slice(at + 1)
  const username = at < 0 ? userInfo().username : text.slice(0, at)
  if (host === '' || username === '') throw usageError(`"${text}" is not of the form [user@]host`)
  return { host, username }
}
