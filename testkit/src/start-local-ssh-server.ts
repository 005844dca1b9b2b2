import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { constants, userInfo } from 'node:os'
import type { Connection, ServerChannel, Session } from 'ssh2'
import { AuthScript } from './auth-script.js'
import { endWith } from './channel-exit.js'
import { generateKey, type KeyPair } from './keys.js'
import { signalAll } from './process-tree.js'
import { keepRequestsAfterEof, SshListener } from './ssh-listener.js'

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

/** An SSH server where there is no sshd: runs commands for real with `/bin/sh -c`, as the current user, without PTY. */
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

function serveClient(client: Connection, policy: AuthPolicyOfOne, groups: Set<number>): void {
  const auth = new AuthScript(policy, 0, () => undefined)
  client.on('authentication', (context) => void auth.decide(context, auth.note(context)))
  client.on('session', (accept) => serveSession(accept(), groups))
}

interface AuthPolicyOfOne {
  username: string
  password: string
  publicKeys: string[]
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
  session.on('exec', (accept, _reject, { command }) =>
    runCommand(session, accept(), { args: ['-c', command], env, groups }),
  )
  session.on('shell', (accept) => runCommand(session, accept(), { args: [], env, groups }))
}

interface Run {
  /** Of /bin/sh. */
  args: string[]
  env: Record<string, string>
  groups: Set<number>
}

function runCommand(session: Session, channel: ServerChannel, { args, env, groups }: Run): void {
  // Its own process group: a signal request then reaches what the command started.
  const child = spawn('/bin/sh', args, { detached: true, env: { ...process.env, ...env } })
  const group = child.pid === undefined ? undefined : -child.pid
  if (group !== undefined) groups.add(group)
  const signalGroup = (signal: NodeJS.Signals) => group !== undefined && signalAll([group], signal)
  child.stdin.on('error', () => undefined)
  channel.on('error', () => undefined)
  channel.pipe(child.stdin)
  child.stdout.pipe(channel, { end: false })
  child.stderr.pipe(channel.stderr, { end: false })
  session.on('signal', (accept, reject, { name }) => {
    const signal = `SIG${name}` as NodeJS.Signals
    const known = signal in constants.signals
    if (known) signalGroup(signal)
    const reply = known ? accept : reject
    reply?.()
  })
  channel.once('close', () => signalGroup('SIGHUP'))
  child.once('error', () => endWith(channel, 126))
  child.once('close', (code, signal) => {
    if (group !== undefined) groups.delete(group)
    endWith(channel, signal ? signal.slice(3) : (code ?? 255))
  })
}
