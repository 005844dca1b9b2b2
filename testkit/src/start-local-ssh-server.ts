import { randomBytes } from 'node:crypto'
import { userInfo } from 'node:os'
import type { Connection, Session } from 'ssh2'
import type { AuthPolicy } from './auth-policy.js'
import { AuthScript } from './auth-script.js'
import { generateKey, type KeyPair } from './keys.js'
import { signalAll } from './process-tree.js'
import { runShell } from './run-shell.js'
import { SshListener } from './ssh-listener.js'
import { keepRequestsAfterEof } from './ssh2-server-fixes.js'

export interface LocalSshServerOptions {
  /** Default: the current user's name. Commands run as the current user in any case. */
  username?: string
  /** Default: generated. */
  password?: string
  hostKey?: KeyPair
}

export interface LocalSshServer extends AsyncDisposable {
  host: string
  port: number
  username: string
  password: string
  /** OpenSSH text of a key that may log in. */
  privateKey: string
  hostKeyFingerprint: string
  /** Kills the commands that are still running. */
  stop(): Promise<void>
}

/** An SSH server where there is no sshd: runs commands for real with `/bin/sh -c`, as the current user, without a real PTY. */
export async function startLocalSshServer(options: LocalSshServerOptions = {}): Promise<LocalSshServer> {
  const { username = userInfo().username, password = randomBytes(12).toString('base64url') } = options
  const { hostKey = generateKey() } = options
  const clientKey = generateKey()
  const groups = new Set<number>()
  const policy = { username, password, publicKeys: [clientKey.publicKey] }
  const listener = new SshListener({
    hostKeys: [hostKey],
    onClient: (client) => serveClient(client, policy, groups),
  })
  await listener.start()
  const stop = async () => {
    await listener.stop()
    signalAll([...groups], 'SIGKILL')
  }
  const { host, port } = listener
  const { privateKey } = clientKey
  const login = { username, password, privateKey, hostKeyFingerprint: hostKey.fingerprint }
  return { host, port, ...login, stop, [Symbol.asyncDispose]: stop }
}

function serveClient(client: Connection, policy: AuthPolicy, groups: Set<number>): void {
  const auth = new AuthScript(policy, 0, () => undefined)
  client.on('authentication', (context) => void auth.decide(context, auth.note(context)))
  client.on('session', (accept) => serveSession(accept(), groups))
}

function serveSession(session: Session, groups: Set<number>): void {
  const env: Record<string, string> = {}
  keepRequestsAfterEof(session)
  session.on('env', (accept, reject, { key, val }) => {
    const allowed = key === 'LANG' || key.startsWith('LC_')
    if (allowed) env[key] = val
    const reply = allowed ? accept : reject
    reply?.()
  })
  // Granted in name only: a shell is an interactive one, and reads and prints through pipes.
  let args: string[] = []
  session.on('pty', (accept) => {
    args = ['-i']
    accept?.()
  })
  session.on('window-change', (accept) => accept?.())
  session.on('exec', (accept, _reject, { command }) =>
    runShell(session, accept(), { args: ['-c', command], env, groups }),
  )
  session.on('shell', (accept) => runShell(session, accept(), { args, env, groups }))
}
