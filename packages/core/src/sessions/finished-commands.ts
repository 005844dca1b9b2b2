import type { Clock } from '../base/clock.js'
import type { CommandId, OrgId } from '../model/ids.js'
import type { LiveCommand } from './live-command.js'

interface Kept {
  readonly command: LiveCommand
  /** Counted once: what is added is what is taken away again. */
  readonly bytes: number
  readonly until: number
}

const KEEP_MS = 10 * 60_000
const MAX_BYTES = 64 * 1024 * 1024
const MAX_COMMANDS = 10_000

/** Commands that ended a while ago, with their output, for whoever asks again; bounded in time, number and bytes. */
export class FinishedCommands {
  readonly #clock: Clock
  readonly #kept = new Map<CommandId, Kept>()
  #bytes = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  keep(command: LiveCommand): void {
    this.#drop(command.id)
    const bytes = command.outputBytes
    this.#kept.set(command.id, { command, bytes, until: this.#clock.monotonic() + KEEP_MS })
    this.#bytes += bytes
    this.#evict()
  }

  find(orgId: OrgId, id: CommandId): LiveCommand | undefined {
    this.#evict()
    const command = this.#kept.get(id)?.command
    return command?.orgId === orgId ? command : undefined
  }

  // The map is in the order of insertion, so the oldest come first.
  #evict(): void {
    const now = this.#clock.monotonic()
    for (const [id, { until }] of this.#kept) {
      if (until > now && this.#bytes <= MAX_BYTES && this.#kept.size <= MAX_COMMANDS) return
      this.#drop(id)
    }
  }

  #drop(id: CommandId): void {
    this.#bytes -= this.#kept.get(id)?.bytes ?? 0
    this.#kept.delete(id)
  }
}
