import type { ServerChannel, Session } from 'ssh2'
import { runBuiltIn } from './hostile-commands.js'
import type { HostileConnection } from './hostile-connection.js'
import type { ExecContext, ExecHandler, ShellHandler } from './hostile-context.js'
import type { HostileSshServerOptions } from './hostile-options.js'
import { keepRequestsAfterEof, mendBackPressure } from './ssh2-server-fixes.js'

export interface SessionScript {
  onExec?: ExecHandler
  onShell?: ShellHandler
  terminals?: HostileSshServerOptions['terminals']
  /** Neither accepts nor refuses exec and shell requests. */
  silent: boolean
}

/** Where the server writes down what happened on its session channels. */
export interface SessionRecords {
  execs: { command: string; connectionId: number }[]
  resizes: { columns: number; rows: number }[]
  signals: string[]
}

/** Serves one session channel by the script. */
export function serveSession(session: Session, script: SessionScript, deps: SessionDeps): void {
  const { connection, records } = deps
  const context = sessionContext(session, connection, script)
  keepRequestsAfterEof(session)
  session.on('window-change', (accept, _reject, info) => {
    records.resizes.push({ columns: info.cols, rows: info.rows })
    accept?.()
  })
  context.onSignal((name) => records.signals.push(name))
  session.on('exec', (accept, _reject, { command }) => {
    records.execs.push({ command, connectionId: connection.id })
    if (script.silent) return
    const channel = opened(accept)
    const runDefault = () => runBuiltIn(command, channel, { ...context, runDefault })
    const run = script.onExec ?? runDefault
    run(command, channel, { ...context, runDefault })
  })
  session.on('shell', (accept) => {
    if (script.silent) return
    const channel = opened(accept)
    const runDefault = () => runBuiltIn('cat', channel, { ...context, runDefault })
    const run = script.onShell ?? runDefault
    run(channel, { ...context, runDefault })
  })
}

export interface SessionDeps {
  connection: HostileConnection
  records: SessionRecords
}

function sessionContext(
  session: Session,
  connection: HostileConnection,
  { terminals = 'grant' }: SessionScript,
): Omit<ExecContext, 'runDefault'> {
  const context: Omit<ExecContext, 'runDefault'> = {
    connection,
    env: {},
    onSignal: (listener) => {
      session.on('signal', (accept, _reject, { name }) => {
        accept?.()
        listener(name)
      })
    },
  }
  session.on('env', (accept, _reject, { key, val }) => {
    context.env[key] = val
    accept?.()
  })
  session.on('pty', (accept, reject, info) => {
    if (terminals === 'ignore') return
    if (terminals === 'refuse') return reject?.()
    const { term } = info as typeof info & { term: string }
    context.pty = { term, columns: info.cols, rows: info.rows }
    accept?.()
  })
  return context
}

function opened(accept: () => ServerChannel): ServerChannel {
  const channel = accept()
  // A channel that nobody reads never reports its close.
  channel.resume()
  mendBackPressure(channel)
  channel.on('error', () => undefined)
  channel.stderr.on('error', () => undefined)
  return channel
}
