import type { ServerChannel } from 'ssh2'
import { endWith } from './channel-exit.js'
import type { ExecContext } from './hostile-context.js'

/** One built-in command: `argument` is the text after its name. */
type Command = (argument: string, channel: ServerChannel, context: ExecContext) => void

const FLOOD_CHUNK = Buffer.alloc(64 * 1024, 'krown flood\n')

/** Runs the built-in command whose name is the first word; see the README for the list. */
export function runBuiltIn(command: string, channel: ServerChannel, context: ExecContext): void {
  const [name = '', argument = ''] = splitOnce(command)
  const run = (Object.hasOwn(BUILT_INS, name) && BUILT_INS[name]) || notFound
  run(argument, channel, context)
}

const BUILT_INS: Record<string, Command | undefined> = {
  true: (_, channel) => endWith(channel, 0),
  false: (_, channel) => endWith(channel, 1),
  exit: (code, channel) => endWith(channel, Number(code)),
  'die-by': (signal, channel) => endWith(channel, signal),
  'no-exit-status': (_, channel) => endWith(channel, undefined),
  echo: (text, channel) => {
    channel.write(`${text}\n`)
    endWith(channel, 0)
  },
  env: (name, channel, { env }) => {
    channel.write(`${env[name] ?? ''}\n`)
    endWith(channel, name in env ? 0 : 1)
  },
  cat: (_, channel, context) => {
    endBySignal(channel, context)
    channel.on('data', (data: Buffer) => channel.write(data))
    channel.on('end', () => endWith(channel, 0))
  },
  sleep: (seconds, channel, context) => {
    const timer = setTimeout(() => endWith(channel, 0), Number(seconds) * 1000)
    channel.once('close', () => clearTimeout(timer))
    endBySignal(channel, context, () => clearTimeout(timer))
  },
  hang: (_, channel, context) => endBySignal(channel, context),
  'flood-stdout': (bytes, channel, context) => flood(channel, context, { to: channel, bytes }),
  'flood-stderr': (bytes, channel, context) => flood(channel, context, { to: channel.stderr, bytes }),
  drop: (_, _channel, { connection }) => connection.drop(),
  reset: (_, _channel, { connection }) => connection.reset(),
  'stop-answering': (_, _channel, { connection }) => connection.stopAnswering(),
}

function notFound(_: string, channel: ServerChannel): void {
  channel.stderr.write('not found\n')
  endWith(channel, 127)
}

function endBySignal(channel: ServerChannel, context: ExecContext, cleanUp = () => {}): void {
  context.onSignal((name) => {
    cleanUp()
    endWith(channel, name)
  })
}

interface Flood {
  to: NodeJS.WritableStream
  /** Decimal; empty for no end. */
  bytes: string
}

function flood(channel: ServerChannel, context: ExecContext, { to, bytes }: Flood): void {
  let left = bytes === '' ? Number.POSITIVE_INFINITY : Number(bytes)
  let open = true
  channel.once('close', () => {
    open = false
  })
  const next = () => {
    const chunk = FLOOD_CHUNK.subarray(0, Math.min(left, FLOOD_CHUNK.length))
    left -= chunk.length
    if (open && chunk.length === 0) endWith(channel, 0)
    // Called back when the peer's flow window took it.
    else if (open) to.write(chunk, () => setImmediate(next))
  }
  context.onSignal((name) => {
    open = false
    channel.exit(name)
    channel.close()
  })
  next()
}

function splitOnce(text: string): string[] {
  const space = text.indexOf(' ')
  return space === -1 ? [text] : [text.slice(0, space), text.slice(space + 1)]
}
