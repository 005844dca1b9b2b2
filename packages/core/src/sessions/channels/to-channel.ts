import type { Channel } from '../../model/channel.js'
import type { LiveCommand } from '../commands/live-command.js'

/** A channel as it is now, for its users. */
export function toChannel(command: LiveCommand): Channel {
  const { request, hub, seats, terminal } = command
  return {
    id: command.id,
    sessionId: request.sessionId,
    userId: command.userId,
    kind: request.kind,
    command: request.command,
    terminal,
    startedAt: new Date(command.startedAt).toISOString(),
    heldFrom: hub.start,
    end: hub.end,
    keyboard: seats.keyboard,
    attached: seats.attached.map(({ actor, role, since }) => ({
      userId: actor.userId,
      role,
      since: new Date(since).toISOString(),
    })),
  }
}
