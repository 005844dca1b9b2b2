import type {
  Command,
  CommandId,
  CommandSummary,
  ExecuteInput,
  SessionId,
  StartCommandInput,
  WaitOptions,
} from '@krown/core/model'
import type { AppRouter } from '@krown/server'
import type { TRPCClient } from '@trpc/client'
import { toBase64, toBytes } from './bytes.js'
import { newCommandId } from './command-id.js'
import { aboutCommand } from './errors.js'
import { toClientError, translated } from './to-client-error.js'

/** Servers, and proxies before them, end requests that stay unanswered for long: a long wait is many short ones. */
const WAIT_MS = 25_000
/** As base64 in JSON it stays below what a server takes in one request. */
const MAX_WRITE_BYTES = 128 * 1024

type GetOptions = WaitOptions & { waitMs?: number | undefined }

/** What is more than one call of a procedure. */
export class CommandCalls {
  readonly #trpc: TRPCClient<AppRouter>
  readonly #writing = new Map<CommandId, Promise<unknown>>()

  constructor(trpc: TRPCClient<AppRouter>) {
    this.#trpc = trpc
  }

  /** Always with a `commandId`, so that a call whose answer was lost can be made again. */
  async execute(sessionId: SessionId, input: ExecuteInput, { signal }: WaitOptions = {}): Promise<Command> {
    const { commandId = newCommandId(), waitMs = WAIT_MS } = input
    const command = await about(
      commandId,
      this.#trpc.sessions.execute.mutate({ ...input, commandId, waitMs, sessionId }),
    )
    return input.waitMs === undefined ? this.untilEnded(command, signal) : command
  }

  start(input: StartCommandInput): Promise<Command> {
    const { commandId = newCommandId() } = input
    return about(commandId, this.#trpc.commands.start.mutate({ ...input, commandId }))
  }

  async untilEnded(command: Command, signal?: AbortSignal): Promise<Command> {
    let latest = command
    while (latest.status === 'running' && !signal?.aborted) {
      latest = await about(command.id, this.get(command.id, { waitMs: WAIT_MS, signal }))
    }
    return latest
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
  async write(commandId: CommandId, data: string | Uint8Array): Promise<void> {
    const bytes = toBytes(data)
    await this.#inOrder(commandId, async () => {
      let from = 0
      do {
        const piece = bytes.subarray(from, from + MAX_WRITE_BYTES)
        await this.#trpc.commands.write.mutate({ commandId, data: toBase64(piece), encoding: 'base64' })
        from += piece.length
      } while (from < bytes.length)
    })
  }

  async closeStdin(commandId: CommandId): Promise<void> {
    await this.#inOrder(commandId, () => this.#trpc.commands.closeStdin.mutate({ commandId }))
  }

  async #inOrder(commandId: CommandId, work: () => Promise<unknown>): Promise<void> {
    // After one that failed as well: who does not wait for each does not want to be stopped by one.
    const done = (this.#writing.get(commandId) ?? Promise.resolve()).then(work, work)
    this.#writing.set(commandId, done)
    try {
      await translated(done)
    } finally {
      if (this.#writing.get(commandId) === done) this.#writing.delete(commandId)
    }
  }
}

export function toSummary(command: Command): CommandSummary {
  const { stdout: _, stderr: __, stdoutEncoding: ___, stderrEncoding: ____, ...summary } = command
  return summary
}

async function about<T>(commandId: string, call: Promise<T>): Promise<T> {
  try {
    return await call
  } catch (error) {
    throw aboutCommand(toClientError(error), commandId)
  }
}
