import { join } from 'node:path'
import type { StoredLogin, TokenStore } from '@krown/sdk'
import { makePrivateFolder, readPrivateFile, removeFile, writePrivateFile } from './private-file.js'

/**
 * Keeps the login to one server in a file of its own: no server is ever sent what another one gave out, and two
 * processes that talk to two servers do not meet.
 */
export function loginStore(directory: string, url: string): TokenStore {
  const path = join(directory, 'logins', `${encodeURIComponent(url)}.json`)
  return {
    load: async () => parse((await readPrivateFile(path)) ?? ''),
    save: async (login) => {
      // Who can use it could put another folder in the place of the one for logins.
      await makePrivateFolder(directory)
      await writePrivateFile(path, `${JSON.stringify(login, null, 2)}\n`)
    },
    clear: () => removeFile(path),
  }
}

/** What is no login (any more) is as good as none: signing in writes it anew. */
function parse(text: string): StoredLogin | undefined {
  const value = toJson(text)
  const { accessToken, accessTokenExpiresAt, refreshToken } = value
  const fields = [accessToken, accessTokenExpiresAt, refreshToken]
  if (!fields.every((field) => typeof field === 'string')) return undefined
  return { accessToken, accessTokenExpiresAt, refreshToken } as StoredLogin
}

function toJson(text: string): Partial<Record<keyof StoredLogin, unknown>> {
  try {
    return Object(JSON.parse(text))
  } catch {
    return {}
  }
}
