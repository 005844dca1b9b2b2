import type { JournalDraft } from '../../journal/entry.js'
import type { Actor } from '../../model/actor.js'
import type { ChannelRole } from '../../model/channel.js'
import type { LiveCommand } from '../commands/live-command.js'

/** Somebody begins to look, or to type. */
export function channelAttached(
  command: LiveCommand,
  actor: Actor,
  { role, offset }: { role: ChannelRole; offset: number },
): JournalDraft {
  return draft('channel.attached', command, { actor, facts: { role, offset } })
}

export function channelDetached(command: LiveCommand, actor: Actor, offset: number): JournalDraft {
  return draft('channel.detached', command, { actor, facts: { offset } })
}

/** Somebody takes the keyboard. */
export function channelTakenOver(command: LiveCommand, actor: Actor): JournalDraft {
  return draft('channel.taken_over', command, { actor, facts: { previousUserId: command.seats.keyboard } })
}

/** Somebody wants it to end; the result says whether it did. */
export function channelCloseRequested(command: LiveCommand, actor: Actor): JournalDraft {
  return draft('channel.close_requested', command, { actor, facts: {} })
}

/** A signal other than what a terminal makes of keys. */
export function channelSignalled(command: LiveCommand, actor: Actor, signal: string): JournalDraft {
  return draft('channel.signalled', command, { actor, facts: { signal } })
}

function draft(
  action: JournalDraft['action'],
  command: LiveCommand,
  { actor, facts }: Pick<JournalDraft, 'actor' | 'facts'>,
): JournalDraft {
  return {
    action,
    outcome: 'success',
    actor,
    resource: { kind: 'command', id: command.id },
    facts: {
      ...facts,
      kind: command.request.kind,
      ownerUserId: command.userId,
      sessionId: command.request.sessionId,
    },
  }
}
