import type { Clock } from '../../base/clock.js'
import { RecentlyEnded } from '../../base/recently-ended.js'
import type { CommandId, OrgId } from '../../model/ids.js'
import type { LiveCommand } from './live-command.js'

const LIMITS = { maxBytes: 64 * 1024 * 1024, maxItems: 10_000 }

/** Commands that ended a while ago, with their output, for whoever asks again. */
export class FinishedCommands {
  readonly #kept: RecentlyEnded<CommandId, LiveCommand>

  constructor(clock: Clock) {
    this.#kept = new RecentlyEnded(clock, LIMITS)
  }

  keep(command: LiveCommand): void {
    this.#kept.keep(command.id, command, command.outputBytes)
  }

  find(orgId: OrgId, id: CommandId): LiveCommand | undefined {
    const command = this.#kept.find(id)
    return command?.orgId === orgId ? command : undefined
  }
}
