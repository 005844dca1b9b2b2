import { readFile } from 'node:fs/promises'
import type { AdhocSessionInput, SessionAuth } from '@krown/core'
import { startLocalSshServer } from '@krown/testkit/start-local-ssh-server'

/** Everything that `sessions.open` needs. */
export interface ExampleTarget extends AdhocSessionInput, AsyncDisposable {}

/**
 * The machine that an example reaches: yours when `SSH_HOST` is set, with `SSH_PORT`, `SSH_USER`, and `SSH_PASSWORD`
 * or `SSH_KEY_FILE`; otherwise an SSH server on this machine that ends with the example.
 */
export async function exampleTarget(): Promise<ExampleTarget> {
  const { SSH_HOST: host, SSH_PORT: port = '22', SSH_USER: username = 'root' } = process.env
  if (!host) return localTarget()
  return { host, port: Number(port), username, auth: await ownAuth(), [Symbol.asyncDispose]: async () => {} }
}

async function ownAuth(): Promise<SessionAuth> {
  const { SSH_PASSWORD: password, SSH_KEY_FILE: keyFile } = process.env
  if (password) return { method: 'password', password }
  if (keyFile) return { method: 'key', privateKey: await readFile(keyFile, 'utf8') }
  throw new Error('SSH_HOST is set: set SSH_PASSWORD or SSH_KEY_FILE as well')
}

async function localTarget(): Promise<ExampleTarget> {
  const { host, port, username, password, stop } = await startLocalSshServer()
  return { host, port, username, auth: { method: 'password', password }, [Symbol.asyncDispose]: stop }
}
