import type { SessionAuth } from '@krown/core'
import { findSshd } from '@krown/testkit/find-sshd'
import { startLocalSshServer } from '@krown/testkit/start-local-ssh-server'
import { startSshd } from '@krown/testkit/start-sshd'

/** The machine that the demo reaches: this one, by an SSH server that ends with the demo. */
export interface DemoTarget extends AsyncDisposable {
  /** What answers there. */
  readonly kind: string
  readonly host: string
  readonly port: number
  readonly username: string
  readonly auth: SessionAuth
}

export async function startTarget(): Promise<DemoTarget> {
  return findSshd() ? realSshd() : localServer()
}

async function realSshd(): Promise<DemoTarget> {
  const sshd = await startSshd()
  const { host, port, username, password, privateKey } = sshd
  const auth: SessionAuth = password ? { method: 'password', password } : { method: 'key', privateKey }
  return { kind: 'OpenSSH sshd', host, port, username, auth, [Symbol.asyncDispose]: () => sshd.stop() }
}

async function localServer(): Promise<DemoTarget> {
  const { host, port, username, password, stop } = await startLocalSshServer()
  const auth = { method: 'password' as const, password }
  const kind = 'a small SSH server (OpenSSH is not installed)'
  return { kind, host, port, username, auth, [Symbol.asyncDispose]: stop }
}
