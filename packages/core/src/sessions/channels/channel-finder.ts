import { requireRow } from '../../access/decide.js'
import type { Permission } from '../../access/permission-table.js'
import type { Caller } from '../../auth/gate/gate.js'
import type { Db } from '../../db/database.js'
import { findCommand } from '../../db/repositories/command.repository.js'
import { isKrownError, KrownError, notFound } from '../../errors/krown-error.js'
import type { CommandSummary } from '../../model/command.js'
import type { ChannelId } from '../../model/ids.js'
import type { TargetAccess } from '../../targets/access-rules/target-access.js'
import type { CommandLauncher } from '../commands/command-launcher.js'
import type { OpenCommand } from '../live-session.js'

export interface ChannelFinderDeps {
  readonly db: Db
  readonly launcher: CommandLauncher
  readonly access: Pick<TargetAccess, 'requireVerb'>
}

const RIGHTS = { visible: 'channel:watch', noun: 'channel' } as const

/** Finds an open channel for a caller: NOT_FOUND for what it may not see, FORBIDDEN for what it may only see. */
export class ChannelFinder {
  readonly #deps: ChannelFinderDeps

  constructor(deps: ChannelFinderDeps) {
    this.#deps = deps
  }

  /** How something ended. @throws KrownError NOT_FOUND, FORBIDDEN; UNAVAILABLE when another process has it open. */
  async requireEnded({ actor, subject }: Caller, id: ChannelId, wanted: Permission): Promise<CommandSummary> {
    const live = this.#deps.launcher.find(actor.orgId, id)
    const logged = live ? undefined : await findCommand(this.#deps.db, actor.orgId, id)
    requireRow(subject, { ...RIGHTS, wanted }, live ?? logged)
    if (live) return live.toSummary()
    if (!logged) throw notFound('channel')
    if (logged.status === 'running') throw openElsewhere()
    const { requestDigest: _, ...summary } = logged
    return summary
  }

  isOpen({ actor }: Caller, id: ChannelId): boolean {
    return this.#deps.launcher.findOpen(actor.orgId, id) !== undefined
  }

  /** @throws KrownError NOT_FOUND also for what has ended; UNAVAILABLE when another process has it open. */
  async require(caller: Caller, id: ChannelId, wanted: Permission): Promise<OpenCommand> {
    const open = this.#deps.launcher.findOpen(caller.actor.orgId, id)
    if (!open) throw await this.#absent(caller, id)
    await this.requireRight(caller, open, wanted)
    return open
  }

  /**
   * Whom an access rule lets watch what others do on a target sees their channels there, and no others.
   *
   * @throws KrownError NOT_FOUND, FORBIDDEN
   */
  async requireRight(caller: Caller, open: OpenCommand, wanted: Permission): Promise<void> {
    try {
      requireRow(caller.subject, { ...RIGHTS, wanted }, open.command)
    } catch (error) {
      if (!isKrownError(error) || error.code !== 'NOT_FOUND' || !open.onTarget) throw error
      await this.#deps.access.requireVerb(caller, open.onTarget, 'watch').catch(() => {
        throw error
      })
      if (wanted !== 'channel:watch') throw mayOnlyWatch(wanted)
    }
  }

  /** Not open, or not in this process. */
  async #absent({ actor, subject }: Caller, id: ChannelId): Promise<KrownError> {
    const row = await findCommand(this.#deps.db, actor.orgId, id)
    requireRow(subject, { ...RIGHTS, wanted: 'channel:watch' }, row)
    if (row?.status !== 'running') return notFound('channel')
    return openElsewhere()
  }
}

function openElsewhere(): KrownError {
  return new KrownError('UNAVAILABLE', 'the channel is open in another Krown process', {
    retryAfterMs: 1_000,
  })
}

function mayOnlyWatch(permission: Permission): KrownError {
  return new KrownError('FORBIDDEN', 'the access rule lets you watch this channel, and no more', {
    details: { permission },
  })
}
