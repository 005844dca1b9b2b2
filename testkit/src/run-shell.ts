import { type ChildProcess, spawn } from 'node:child_process'
import { constants, userInfo } from 'node:os'
import type { ServerChannel, Session } from 'ssh2'
import { endWith } from './channel-exit.js'
import { signalAll } from './process-tree.js'
import { mendBackPressure } from './ssh2-server-fixes.js'

export interface ShellRun {
  /** Of /bin/sh. */
  args: string[]
  /** Besides the few variables that every login has. */
  env: Record<string, string>
  /** Running process groups, as negative ids: for whoever has to end them. */
  groups: Set<number>
}

/** Runs /bin/sh on a session channel, in a process group of its own, and reports how it ended. */
export function runShell(session: Session, channel: ServerChannel, { args, env, groups }: ShellRun): void {
  const { username, homedir } = userInfo()
  const login = { USER: username, LOGNAME: username, HOME: homedir, SHELL: '/bin/sh', PATH: process.env.PATH }
  const child = spawn('/bin/sh', args, { detached: true, cwd: homedir, env: { ...login, ...env } })
  const group = -(child.pid ?? 0)
  if (group !== 0) groups.add(group)
  // Only while it runs: what a finished command left in the background stays, as with sshd.
  const signalGroup = (signal: NodeJS.Signals) => signalAll(groups.has(group) ? [group] : [], signal)
  connectStreams(channel, child)
  serveSignals(session, signalGroup)
  channel.once('close', () => signalGroup('SIGHUP'))
  child.once('error', () => endWith(channel, 126))
  child.once('close', (code, signal) => {
    groups.delete(group)
    endWith(channel, signal ? signal.slice(3) : (code ?? 255))
  })
}

function connectStreams(channel: ServerChannel, child: ChildProcess): void {
  mendBackPressure(channel)
  channel.on('error', () => undefined)
  child.stdin?.on('error', () => undefined)
  // A channel that nobody reads never reports its close.
  child.stdin?.once('close', () => channel.resume())
  if (child.stdin) channel.pipe(child.stdin)
  child.stdout?.pipe(channel, { end: false })
  child.stderr?.pipe(channel.stderr, { end: false })
}

function serveSignals(session: Session, signalGroup: (signal: NodeJS.Signals) => void): void {
  session.on('signal', (accept, reject, { name }) => {
    const signal = `SIG${name}` as NodeJS.Signals
    const known = signal in constants.signals
    if (known) signalGroup(signal)
    const reply = known ? accept : reject
    reply?.()
  })
}
