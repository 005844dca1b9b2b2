import { once } from 'node:events'
import { lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { type KrownConfig, validationError } from '@krown/core'
import { destination, type Logger, type LoggerOptions, pino } from 'pino'
import pretty from 'pino-pretty'
import roll from 'pino-roll'
import { LineBatches } from './line-batches.js'
import { escapeC1, escapeControls } from './printable.js'
import { scrubSecrets } from './scrub-secrets.js'

type LoggingConfig = KrownConfig['logging']
type Destination = ReturnType<typeof destination>

/** A logger together with the file or stream that it writes to. */
export interface Log {
  readonly logger: Logger
  /** Writes what is still in memory; gives up after two seconds when nobody takes it. */
  close(): Promise<void>
}

/** A sink that takes nothing must not fill the memory: what is beyond this is dropped and counted. */
const MAX_BUFFERED_BYTES = 8 * 1024 * 1024
const CLOSE_TIMEOUT_MS = 2000
const STDOUT = 1

/** Opens the log that the configuration asks for. */
export async function openLog(config: LoggingConfig): Promise<Log> {
  const sink = await openSink(config)
  const format = config.format === 'pretty' ? prettyFormat(config) : (line: string) => line
  const batches = new LineBatches((lines) => void sink.write(escapeC1(lines.map(format).join(''))))
  const logger = pino(loggerOptions(config), batches)
  countDrops(sink, logger)
  const writeRest = () => {
    batches.end()
    flushNow(sink)
  }
  // Before pino's own, which writes what the sink has.
  process.prependListener('exit', writeRest)
  const close = async () => {
    process.removeListener('exit', writeRest)
    batches.end()
    await closeSink(sink)
  }
  return { logger, close }
}

/** What may be logged, and how; the one list of what is taken out. */
export function loggerOptions({ level }: Pick<LoggingConfig, 'level'>): LoggerOptions {
  return {
    level,
    base: null,
    timestamp: () => `,"time":"${new Date().toISOString()}"`,
    formatters: { level: (label) => ({ level: label }), log: withoutSecrets },
    serializers: { err: serializeError },
    // What a child logger adds to each line comes by no formatter.
    redact: { paths: [...SECRET_NAMES], censor: SECRET },
  }
}

const SECRET = '[secret]'
/** Second net: nothing logs these on purpose. */
const SECRET_NAMES = new Set([
  'accessToken',
  'authorization',
  'cookie',
  'jwtSecret',
  'masterKey',
  'passphrase',
  'password',
  'privateKey',
  'refreshToken',
  'setupToken',
  'token',
])
/** Levels of objects in each other that are looked at. */
const SECRET_DEPTH = 3

/** The same fields, or a copy where some are secret: pino's `redact` would take longer for this than for the line. */
function withoutSecrets<Fields extends object>(fields: Fields, depth = 1): Fields {
  let copy: Record<string, unknown> | undefined
  for (const [name, value] of Object.entries(fields)) {
    const shown = SECRET_NAMES.has(name) ? SECRET : shownInside(name, value, depth)
    if (shown === value) continue
    copy ??= (Array.isArray(fields) ? [...fields] : { ...fields }) as Record<string, unknown>
    copy[name] = shown
  }
  return (copy as Fields | undefined) ?? fields
}

function shownInside(name: string, value: unknown, depth: number): unknown {
  // Of the error that a line is about only what `serializeError` names is told.
  if (typeof value !== 'object' || value === null || name === 'err') return value
  return depth < SECRET_DEPTH ? withoutSecrets(value, depth + 1) : value
}

interface LoggedError {
  type: string
  code?: string
  message: string
  stack?: string | undefined
  cause?: LoggedError
}

/** Characters; texts of other libraries may quote what somebody sent. */
const MAX_MESSAGE = 2000
const MAX_STACK = 8000

function printable(text: string, max: number): string {
  return escapeControls(scrubSecrets(text.length > max ? `${text.slice(0, max)}…` : text))
}

/** How deep a chain of causes is told. */
const MAX_CAUSES = 5

function serializeError(error: unknown, depth = 0): LoggedError {
  if (!(error instanceof Error)) return { type: typeof error, message: 'not an Error' }
  const code = 'code' in error ? String(error.code) : undefined
  return {
    type: error.name,
    ...(code !== undefined && { code }),
    message: printable(error.message, MAX_MESSAGE),
    stack: error.stack && printable(error.stack, MAX_STACK),
    ...(error.cause !== undefined && depth < MAX_CAUSES && { cause: serializeError(error.cause, depth + 1) }),
  }
}

async function openSink({ file, rotateSize, rotateKeep }: LoggingConfig): Promise<Destination> {
  if (file !== '') await requireFreeLink(file)
  const sink =
    file === ''
      ? destination({ dest: STDOUT, sync: false, maxLength: MAX_BUFFERED_BYTES })
      : await roll({
          file,
          size: `${rotateSize}b`,
          limit: { count: rotateKeep, removeOtherLogFiles: true },
          symlink: true,
          mkdir: true,
          mode: 0o600,
          sync: false,
          maxLength: MAX_BUFFERED_BYTES,
        })
  // A reader that went away or a full disk costs log lines, not the server.
  sink.on('error', () => {})
  return sink
}

/** Beside the files there is a link to the newest one; what is no link is somebody else's. */
async function requireFreeLink(file: string): Promise<void> {
  const stats = await lstat(join(dirname(file), 'current.log')).catch(() => undefined)
  if (!stats || stats.isSymbolicLink()) return
  const message =
    'needs the name current.log in its directory, for a link to the newest log file: move what has it away, or choose another directory'
  throw validationError([{ path: 'logging.file', message }])
}

function prettyFormat({ file }: LoggingConfig): (line: string) => string {
  const colorize = file === '' && process.stdout.isTTY === true && !process.env.NO_COLOR
  return pretty.prettyFactory({ colorize, singleLine: true, translateTime: 'SYS:HH:MM:ss.l' })
}

function countDrops(sink: Destination, logger: Logger): void {
  let dropped = 0
  sink.on('drop', (text: string) => {
    dropped += text.split('\n').length - 1
  })
  sink.on('drain', () => {
    if (dropped === 0) return
    logger.warn({ dropped }, 'log lines were dropped')
    dropped = 0
  })
}

/** The process ends, and nothing can be waited for. */
function flushNow(sink: Destination): void {
  try {
    sink.flushSync()
  } catch {
    // Nobody is left to be told.
  }
}

async function closeSink(sink: Destination): Promise<void> {
  // Rejects when time is over or the sink fails; either way there is nothing more to wait for.
  const closed = once(sink, 'close', { signal: AbortSignal.timeout(CLOSE_TIMEOUT_MS) }).catch(() => {})
  sink.end()
  await closed
}
