import type {
  Command,
  CommandId,
  CommandSummary,
  ExecuteInput,
  SessionId,
  StartCommandInput,
  WaitOptions,
} from '@krown/core/model'
import type { AppRouter, RouterInputs } from '@krown/server'
import type { TRPCClient } from '@trpc/client'
import { newCommandId } from '../command-id.js'
import { aboutCommand, askAgainInMs, isPassing } from '../errors/errors.js'
import { toClientError, translated } from '../errors/to-client-error.js'
import type { ClientSettings } from '../options.js'
import { InputOrder } from './input-order.js'

/** Servers, and proxies before them, end requests that stay unanswered for long: a long wait is many short ones. */
const MAX_WAIT_MS = 25_000

type GetOptions = WaitOptions & { waitMs?: number | undefined }

/** What is more than one call of a procedure. */
export class CommandCalls {
  readonly #trpc: TRPCClient<AppRouter>
  readonly #waitMs: number
  readonly #reconnectForMs: number
  readonly #input = new InputOrder<CommandId>()

  constructor(trpc: TRPCClient<AppRouter>, { requestTimeoutMs, reconnectForMs }: ClientSettings) {
    this.#trpc = trpc
    this.#waitMs = Math.floor(Math.min(MAX_WAIT_MS, requestTimeoutMs / 2))
    this.#reconnectForMs = reconnectForMs
  }

  /** Always with a `commandId`, so that a call whose answer was lost can be made again. */
  async execute(sessionId: SessionId, input: ExecuteInput, { signal }: WaitOptions = {}): Promise<Command> {
    const { commandId = newCommandId(), waitMs = this.#waitMs } = input
    const asked = { ...input, commandId, sessionId }
    const command = await about(commandId, this.#executeOnce({ ...asked, waitMs }, signal))
    return input.waitMs === undefined ? this.untilEnded(command, signal) : command
  }

  // When the waiting is given up nobody knows how far it came: asked again it finds the command, or starts it.
  async #executeOnce(asked: RouterInputs['sessions']['execute'], signal?: AbortSignal): Promise<Command> {
    const { execute } = this.#trpc.sessions
    try {
      return await execute.mutate(asked, { signal })
    } catch (error) {
      if (!signal?.aborted) throw error
      return execute.mutate({ ...asked, waitMs: 0 })
    }
  }

  start(input: StartCommandInput): Promise<Command> {
    const { commandId = newCommandId() } = input
    return about(commandId, this.#trpc.commands.start.mutate({ ...input, commandId }))
  }

  async untilEnded(command: Command, signal?: AbortSignal): Promise<Command> {
    let latest = command
    while (latest.status === 'running' && !signal?.aborted) {
      latest = await about(command.id, this.#getPatiently(command.id, signal))
    }
    return latest
  }

  /** As patient as streams are: the command goes on whether or not it can be asked about. */
  async #getPatiently(commandId: CommandId, signal: AbortSignal | undefined): Promise<Command> {
    let lostAt: number | undefined
    for (;;) {
      try {
        return await translated(this.get(commandId, { waitMs: this.#waitMs, signal }))
      } catch (error) {
        lostAt ??= Date.now()
        if (!isPassing(error) || signal?.aborted || Date.now() - lostAt >= this.#reconnectForMs) throw error
        await sleep(askAgainInMs(error), signal)
      }
    }
  }

  /** When the waiting is given up, it is asked once more, without waiting. */
  async get(commandId: CommandId, { signal, ...options }: GetOptions = {}): Promise<Command> {
    const { get } = this.#trpc.commands
    try {
      return await get.query({ ...options, commandId }, { signal })
    } catch (error) {
      if (!signal?.aborted) throw error
      return get.query({ commandId })
    }
  }

  /** Writes to one command arrive in the order in which they were asked for, as one stream. */
  write(commandId: CommandId, data: string | Uint8Array): Promise<void> {
    const { write } = this.#trpc.commands
    return this.#input.write(commandId, data, (piece) => write.mutate({ commandId, ...piece }))
  }

  closeStdin(commandId: CommandId): Promise<void> {
    return this.#input.inOrder(commandId, () => this.#trpc.commands.closeStdin.mutate({ commandId }))
  }
}

export function toSummary(command: Command): CommandSummary {
  const { stdout: _, stderr: __, stdoutEncoding: ___, stderrEncoding: ____, ...summary } = command
  return summary
}

/** Ends early when `signal` aborts. */
function sleep(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve) => {
    const done = () => {
      clearTimeout(timer)
      signal?.removeEventListener('abort', done)
      resolve()
    }
    const timer = setTimeout(done, ms)
    signal?.addEventListener('abort', done)
  })
}

async function about<T>(commandId: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw aboutCommand(toClientError(error), commandId)
  }
}
