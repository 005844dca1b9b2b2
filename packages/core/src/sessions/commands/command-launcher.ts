import type { Db } from '../../db/database.js'
import { isUniqueViolation } from '../../db/db-errors.js'
import { findCommand, type LoggedCommand } from '../../db/repositories/command.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { CommandId, OrgId } from '../../model/ids.js'
import type { LiveSession, OpenCommand } from '../live-session.js'
import { OutputBudget } from '../output/output-budget.js'
import { CommandRun, type CommandRunDeps } from './command-run.js'
import { FinishedCommands } from './finished-commands.js'
import { type CommandRequest, LiveCommand } from './live-command.js'

export interface CommandLauncherDeps extends CommandRunDeps {
  readonly db: Db
}

interface Launched {
  readonly run: OpenCommand
  readonly admitted: Promise<void>
  /** Settles when the target accepted it, or when it is known that nothing ran. */
  readonly started: Promise<void>
}

/** A command that this process knows, or only its row. */
export type Launch =
  | {
      readonly live: LiveCommand
      /** Settles when it waits in line or its intent is durable, or when it was refused. */
      readonly admitted: Promise<void>
      readonly started: Promise<void>
    }
  | { readonly logged: LoggedCommand }

/** Starts commands, each id once: a retry finds the command that the first request started. */
export class CommandLauncher {
  readonly #deps: CommandLauncherDeps
  readonly #finished: FinishedCommands
  readonly #open = new Map<CommandId, Launched>()
  readonly #budget = new OutputBudget()

  constructor(deps: CommandLauncherDeps) {
    this.#deps = deps
    this.#finished = new FinishedCommands(deps.clock)
  }

  /**
   * What the same request started before, in this process or another.
   *
   * @throws KrownError CONFLICT when the id belongs to another request.
   */
  async findSame(actor: Actor, request: CommandRequest): Promise<Launch | undefined> {
    const known = this.#findKnown(actor, request)
    if (known) return known
    const logged = await this.#findLogged(actor, request)
    // A row that was found may be of a command that another request started meanwhile.
    return this.#findKnown(actor, request) ?? logged
  }

  /**
   * @param prepare Called with a new command before it starts, to attach a reader that misses nothing.
   * @throws KrownError CONFLICT when the id belongs to another request.
   */
  launch(
    actor: Actor,
    options: {
      session: LiveSession
      request: CommandRequest
      prepare?: ((command: LiveCommand) => void) | undefined
    },
  ): Launch {
    const { session, request, prepare } = options
    // While the row was looked up, the same request may have arrived by another way.
    const known = this.#findKnown(actor, request)
    if (known) return known
    const command = new LiveCommand({ clock: this.#deps.clock, actor, request, budget: this.#budget })
    prepare?.(command)
    return this.#start(session, command)
  }

  find(orgId: OrgId, id: CommandId): LiveCommand | undefined {
    return this.findOpen(orgId, id)?.command ?? this.#finished.find(orgId, id)
  }

  /** Only while it is waiting, running or being finished. */
  findOpen(orgId: OrgId, id: CommandId): OpenCommand | undefined {
    const run = this.#open.get(id)?.run
    return run?.command.orgId === orgId ? run : undefined
  }

  #start(session: LiveSession, command: LiveCommand): Launch {
    const run = new CommandRun(this.#deps, session, command)
    const explain = (error: unknown) => this.#explain(command, error)
    const started = run.start().catch(explain)
    const admitted = run.admitted.catch(explain)
    this.#open.set(command.id, { run, admitted, started })
    // Whoever waits hears of a failure; that nobody may be waiting is no reason to end the process.
    started.catch(() => {})
    admitted.catch(() => {})
    void command.done.then(() => this.#retire(command))
    return { live: command, admitted, started }
  }

  #retire(command: LiveCommand): void {
    this.#open.delete(command.id)
    this.#finished.keep(command)
    command.leaveBudget()
  }

  #findKnown(actor: Actor, request: CommandRequest): Launch | undefined {
    const open = this.#open.get(request.id)
    const live = open?.run.command ?? this.#findEnded(actor.orgId, request.id)
    if (!live) return undefined
    requireSame(actor, request, { userId: live.userId, digest: live.request.digest, orgId: live.orgId })
    const { admitted = Promise.resolve(), started = Promise.resolve() } = open ?? {}
    return { live, admitted, started }
  }

  // Of what never ran, the same id may be used for another try.
  #findEnded(orgId: OrgId, id: CommandId): LiveCommand | undefined {
    const ended = this.#finished.find(orgId, id)
    return ended?.status === 'failed' ? undefined : ended
  }

  async #findLogged(actor: Actor, request: CommandRequest): Promise<Launch | undefined> {
    const logged = await findCommand(this.#deps.db, actor.orgId, request.id)
    if (!logged) return undefined
    requireSame(actor, request, { userId: logged.userId, digest: logged.requestDigest, orgId: actor.orgId })
    return { logged }
  }

  /** The id was taken between look-up and insert: by another process, or in another organization. */
  #explain(command: LiveCommand, error: unknown): never {
    throw isUniqueViolation(error) ? idInUse(command.id) : error
  }
}

function requireSame(
  actor: Actor,
  request: CommandRequest,
  known: { userId: string; orgId: string; digest: string },
): void {
  const same = known.userId === actor.userId && known.orgId === actor.orgId && known.digest === request.digest
  if (!same) throw idInUse(request.id)
}

function idInUse(commandId: CommandId): KrownError {
  return new KrownError('CONFLICT', 'this commandId belongs to another command', { details: { commandId } })
}
