import type { Permission } from '../../access/permission-table.js'
import { AskedAgain } from '../../auth/gate/asked-again.js'
import type { Caller, Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import { isKrownError, KrownError } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { AttachOptions, Channel, ChannelEvent, ChannelSignal } from '../../model/channel.js'
import type { CommandSummary } from '../../model/command.js'
import type { ChannelId, SessionId } from '../../model/ids.js'
import type { TerminalSize } from '../../model/terminal.js'
import type { TargetAccess } from '../../targets/access-rules/target-access.js'
import type { ResultJournal } from '../commands/result-journal.js'
import type { OpenCommand } from '../live-session.js'
import type { OutputCarrier } from '../output/output-carrier.js'
import type { SessionFinder } from '../session-finder.js'
import type { SessionRegistry } from '../session-registry.js'
import { Attachment } from './attachment.js'
import {
  channelAttached,
  channelCloseRequested,
  channelDetached,
  channelSignalled,
  channelTakenOver,
} from './channel-entries.js'
import type { ChannelFinder } from './channel-finder.js'
import { toChannel } from './to-channel.js'

export interface ChannelServiceDeps {
  readonly gate: Gate
  readonly clock: Clock
  readonly sessions: SessionFinder
  readonly registry: SessionRegistry
  readonly channels: ChannelFinder
  readonly access: Pick<TargetAccess, 'requireVerb'>
  readonly journal: Journal
  readonly results: ResultJournal
}

/** How somebody attaches in process. */
export interface CarriedAttachOptions extends AttachOptions {
  /** For who passes the output on over something that may break; default: reading it is having it. */
  carrier?: OutputCarrier | undefined
}

/** What a caller may do with what runs in sessions: the rules of every door. */
export class ChannelService {
  readonly #deps: ChannelServiceDeps

  constructor(deps: ChannelServiceDeps) {
    this.#deps = deps
  }

  async list(actor: Actor, sessionId: SessionId): Promise<Channel[]> {
    const { gate, sessions, registry } = this.#deps
    const useCase = { permission: 'channel:watch', resource: { kind: 'session', id: sessionId } } as const
    return gate.run(actor, useCase, async (caller) => {
      await sessions.requireVisible(caller, sessionId)
      const live = registry.find(actor.orgId, sessionId)
      return live ? live.running.map(toChannel) : []
    })
  }

  async get(actor: Actor, id: ChannelId): Promise<Channel> {
    return this.#withOpen(actor, { id, permission: 'channel:watch' }, async ({ command }) =>
      toChannel(command),
    )
  }

  /** See `KrownClient.channels.attach`. What is attached has to be left again: `events` does so when it ends. */
  async attach(actor: Actor, id: ChannelId, options: CarriedAttachOptions): Promise<Attachment> {
    return this.#withOpen(actor, { id, permission: 'channel:watch' }, async (open, caller) => {
      const { command } = open
      const { seats, hub } = command
      const { offset = hub.start, takeOver = false, carrier } = options
      if (offset > hub.end) throw tooFar(offset, hub.end)
      const drives = await this.#wouldDrive(caller, open, options)
      const attached = channelAttached(command, actor, { role: drives ? 'driver' : 'watcher', offset })
      await this.#deps.journal.append(actor.orgId, [
        ...(takeOver ? [channelTakenOver(command, actor)] : []),
        attached,
      ])
      const reader = hub.openReader(offset, 'watcher')
      reader.travelBy(carrier)
      const attachment = new Attachment({ actor, command, reader, since: this.#deps.clock.now() })
      seats.sit(attachment, { drives: drives && (takeOver || seats.isFreeFor(actor.userId)), takeOver })
      return attachment
    })
  }

  /** Everything that happens from where it attached, for as long as its actor may see it; then it has left. */
  async *events(attachment: Attachment, signal?: AbortSignal): AsyncGenerator<ChannelEvent> {
    const { actor, command } = attachment
    const ask = () => this.#withOpen(actor, { id: command.id, permission: 'channel:watch' }, async () => true)
    const rights = new AskedAgain(this.#deps.clock, ask, true)
    try {
      for (let event = await attachment.next(signal); event; event = await attachment.next(signal)) {
        if (!rights.fresh && !command.hasEnded) await rights.again()
        yield event
      }
      if (!command.hasEnded) return
      await command.done
      yield { type: 'closed', command: command.toSummary() }
    } finally {
      await this.detach(attachment)
    }
  }

  /** Leaves; what runs goes on. The entry follows when the journal can be written. */
  async detach(attachment: Attachment): Promise<void> {
    if (!attachment.leave()) return
    const { actor, command } = attachment
    command.seats.leave(attachment)
    const entry = channelDetached(command, actor, attachment.offset)
    await this.#deps.results.write({ orgId: actor.orgId, queries: [], entry })
  }

  /** @param from The client that types; without one, whoever holds the keyboard may. */
  async write(
    actor: Actor,
    id: ChannelId,
    { data, from }: { data: Uint8Array; from?: Attachment },
  ): Promise<void> {
    await this.#withKeyboard(actor, { id, from }, (open) => open.write(data))
  }

  async endInput(actor: Actor, id: ChannelId, from?: Attachment): Promise<void> {
    await this.#withKeyboard(actor, { id, from }, async (open) => open.closeStdin())
  }

  async resize(
    actor: Actor,
    id: ChannelId,
    { size, from }: { size: TerminalSize; from?: Attachment },
  ): Promise<void> {
    await this.#withKeyboard(actor, { id, from }, async (open) => open.resize(size))
  }

  async signal(
    actor: Actor,
    id: ChannelId,
    { signal, from }: { signal: ChannelSignal; from?: Attachment },
  ): Promise<void> {
    await this.#withKeyboard(actor, { id, from }, async (open) => {
      await this.#deps.journal.append(actor.orgId, [channelSignalled(open.command, actor, signal)])
      open.signal(signal)
    })
  }

  /** @param by The client that drives from now on. */
  async takeOver(actor: Actor, id: ChannelId, by?: Attachment): Promise<Channel> {
    return this.#withOpen(actor, { id, permission: 'channel:write' }, async ({ command }) => {
      await this.#deps.journal.append(actor.orgId, [channelTakenOver(command, actor)])
      command.seats.takeOver(actor.userId, by)
      return toChannel(command)
    })
  }

  async close(actor: Actor, id: ChannelId): Promise<CommandSummary> {
    const { gate, channels } = this.#deps
    const permission = 'channel:close'
    return gate.run(actor, { permission, resource: { kind: 'command', id } }, async (caller) => {
      if (!channels.isOpen(caller, id)) return channels.requireEnded(caller, id, permission)
      return this.#end(actor, await channels.require(caller, id, permission))
    })
  }

  async #end(actor: Actor, open: OpenCommand): Promise<CommandSummary> {
    const entry = channelCloseRequested(open.command, actor)
    const noted = this.#deps.results.write({ orgId: actor.orgId, queries: [], entry })
    await Promise.all([open.terminate('cancelled'), noted])
    return open.command.toSummary()
  }

  /** @throws KrownError FORBIDDEN for who wants to take over and may only watch. */
  async #wouldDrive(
    caller: Caller,
    open: OpenCommand,
    { role = 'driver', takeOver = false }: CarriedAttachOptions,
  ): Promise<boolean> {
    const { channels } = this.#deps
    const { seats } = open.command
    if (takeOver) await channels.requireRight(caller, open, 'channel:write')
    else if (role === 'watcher' || !seats.isFreeFor(caller.actor.userId)) return false
    return takeOver || this.#mayWrite(caller, open)
  }

  async #mayWrite(caller: Caller, open: OpenCommand): Promise<boolean> {
    try {
      await this.#deps.channels.requireRight(caller, open, 'channel:write')
      return true
    } catch (error) {
      if (isKrownError(error)) return false
      throw error
    }
  }

  async #withKeyboard(
    actor: Actor,
    { id, from }: { id: ChannelId; from: Attachment | undefined },
    work: (open: OpenCommand) => Promise<void>,
  ): Promise<void> {
    await this.#withOpen(actor, { id, permission: 'channel:write' }, async (open, caller) => {
      await this.#deps.access.requireVerb(caller, open.onTarget, open.verb)
      open.command.seats.requireKeyboard(actor, from)
      await work(open)
    })
  }

  async #withOpen<T>(
    actor: Actor,
    { id, permission }: { id: ChannelId; permission: Permission },
    work: (open: OpenCommand, caller: Caller) => Promise<T>,
  ): Promise<T> {
    const useCase = { permission, resource: { kind: 'command', id } }
    return this.#deps.gate.run(actor, useCase, async (caller) =>
      work(await this.#deps.channels.require(caller, id, permission), caller),
    )
  }
}

function tooFar(offset: number, end: number): KrownError {
  return new KrownError('CONFLICT', 'the output has not come as far as this offset', {
    details: { offset, end },
  })
}
