import { requireRow } from '../../access/decide.js'
import type { Permission } from '../../access/permission-table.js'
import { AskedAgain } from '../../auth/gate/asked-again.js'
import type { Caller, Gate } from '../../auth/gate/gate.js'
import type { Clock } from '../../base/clock.js'
import { startDeadline } from '../../base/deadline.js'
import type { NewId } from '../../base/ids.js'
import { Waiting } from '../../base/waiting.js'
import type { Db } from '../../db/database.js'
import { findCommand, listCommands } from '../../db/repositories/command.repository.js'
import { findTargetsOfSessions } from '../../db/repositories/session.repository.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor } from '../../model/actor.js'
import type { Channel, OpenShellInput } from '../../model/channel.js'
import type {
  Command,
  CommandOutputEvent,
  CommandQuery,
  CommandSummary,
  ExecuteInput,
  StartCommandInput,
} from '../../model/command.js'
import type { CommandId } from '../../model/ids.js'
import type { WaitOptions } from '../../model/krown-client.js'
import type { Page } from '../../model/page.js'
import type { TargetAccess } from '../../targets/access-rules/target-access.js'
import { toChannel } from '../channels/to-channel.js'
import type { Intake } from '../intake.js'
import type { LiveSession, OpenCommand } from '../live-session.js'
import { type CarriedOutputOptions, lostOutput, readAs, whileAllowed } from '../output/command-output.js'
import type { OutputReader } from '../output/output-hub.js'
import type { SessionFinder } from '../session-finder.js'
import { commandCancelRequested, commandInput } from './command-entries.js'
import type { CommandLauncher, Launch } from './command-launcher.js'
import { type CommandLimits, type OutputMode, toCommandRequest, toShellRequest } from './command-requests.js'
import type { CommandRequest, LiveCommand } from './live-command.js'
import { requireEnded, withoutOutput } from './logged-command.js'
import type { ResultJournal } from './result-journal.js'

export interface CommandServiceDeps {
  readonly gate: Gate
  readonly db: Db
  readonly time: { clock: Clock; newId: NewId }
  readonly limits: CommandLimits
  readonly sessions: SessionFinder
  readonly access: Pick<TargetAccess, 'requireVerb' | 'requireEnd' | 'sightOfSessions'>
  readonly launcher: CommandLauncher
  readonly results: ResultJournal
  readonly journal: Journal
  readonly intake: Intake
}

type Asked = StartCommandInput | OpenShellInput

const EXEC_RIGHTS = { permission: 'session:execute', verb: 'exec' } as const
const SHELL_RIGHTS = { permission: 'channel:open', verb: 'shell' } as const

interface Launching<T> {
  readonly mode: OutputMode | 'shell'
  readonly prepare?: (command: LiveCommand) => void
  readonly answer: (launch: Launch) => Promise<T>
}

/** A command whose starter reads along from the first byte. */
export interface StreamedCommand {
  readonly command: LiveCommand
  readonly reader: OutputReader
}

/** What a caller may do with commands. */
export class CommandService {
  readonly #deps: CommandServiceDeps
  readonly #waiting = new Waiting()

  constructor(deps: CommandServiceDeps) {
    this.#deps = deps
  }

  /** Starts, collects the output and waits; see `KrownClient.sessions.execute`. */
  async execute(
    actor: Actor,
    input: ExecuteInput & { sessionId: LiveSession['id'] },
    { signal }: WaitOptions = {},
  ): Promise<Command> {
    const { waitMs, ...asked } = input
    return this.#launch(actor, asked, {
      mode: 'buffered',
      answer: (launch) => this.#waitFor(launch, { waitMs, signal }),
    })
  }

  async start(actor: Actor, input: StartCommandInput): Promise<Command> {
    return this.#launch(actor, input, {
      mode: input.streamed ? 'streamed' : 'started',
      // Until its reader comes with a call of its own.
      ...(input.streamed && { prepare: (command) => command.hub.reserveDriver() }),
      answer: async (launch) => {
        if ('logged' in launch) return withoutOutput(launch.logged)
        await launch.started
        return launch.live.toCommand()
      },
    })
  }

  /** Starts a command whose output only its reader gets; the reader may hold the target back. */
  async stream(actor: Actor, input: StartCommandInput): Promise<StreamedCommand> {
    let reader: OutputReader | undefined
    return this.#launch(actor, input, {
      mode: 'streamed',
      prepare: (command) => {
        reader = command.hub.openReader(0, 'driver')
      },
      answer: async (launch) => {
        if ('logged' in launch) throw new KrownError('CONFLICT', 'this command has ended; its output is gone')
        await launch.started
        return { command: launch.live, reader: reader ?? launch.live.hub.openReader(0, 'watcher') }
      },
    })
  }

  /** Opens a shell, and keeps the place of its driver until somebody attaches. */
  async openShell(actor: Actor, input: OpenShellInput): Promise<Channel> {
    return this.#launch(actor, input, {
      mode: 'shell',
      prepare: (command) => command.hub.reserveDriver(),
      answer: async (launch) => {
        if ('logged' in launch) throw new KrownError('CONFLICT', 'this shell has ended')
        await launch.started
        return toChannel(launch.live)
      },
    })
  }

  async get(
    actor: Actor,
    id: CommandId,
    { waitMs = 0, signal }: WaitOptions & { waitMs?: number | undefined } = {},
  ): Promise<Command> {
    return this.#withCommand(actor, { id, permission: 'command:read' }, async (known) => {
      if (!('live' in known)) return withoutOutput(known.logged)
      return this.#waitFor(known, { waitMs, signal })
    })
  }

  async list(actor: Actor, query: CommandQuery): Promise<Page<CommandSummary>> {
    const { gate, db, sessions } = this.#deps
    return gate.run(actor, { permission: 'command:read' }, async (caller) => {
      if (query.sessionId !== undefined) await sessions.requireVisible(caller, query.sessionId)
      const owner = caller.reach === 'org' ? undefined : caller.subject.userId
      const page = await listCommands(db, actor.orgId, { query, owner })
      return { ...page, items: await this.#inSight(caller, page.items) }
    })
  }

  async cancel(actor: Actor, id: CommandId): Promise<Command> {
    return this.#withCommand(actor, { id, permission: 'command:control' }, async (known, caller) => {
      if (!('live' in known)) return requireEnded(known.logged)
      const open = this.#deps.launcher.findOpen(actor.orgId, id)
      if (open && !known.live.hasEnded) await this.#cancelOpen(caller, open)
      return known.live.toCommand()
    })
  }

  async write(actor: Actor, id: CommandId, data: Uint8Array): Promise<void> {
    await this.#withOpen(actor, id, async (open) => {
      await this.#noteForeignInput(actor, open)
      await open.write(data)
    })
  }

  async closeStdin(actor: Actor, id: CommandId): Promise<void> {
    await this.#withOpen(actor, id, async (open) => {
      await this.#noteForeignInput(actor, open)
      open.closeStdin()
    })
  }

  /** See `KrownClient.commands.output`. Its starter is the driver, everyone else a watcher. */
  async *output(
    actor: Actor,
    id: CommandId,
    options: CarriedOutputOptions,
  ): AsyncGenerator<CommandOutputEvent> {
    const ask = () => this.#withCommand(actor, { id, permission: 'command:read' }, async (found) => found)
    const known = await ask()
    if ('live' in known) {
      const rights = new AskedAgain(this.#deps.time.clock, ask, known)
      yield* whileAllowed(rights, readAs(actor, known.live, options))
    } else {
      yield* lostOutput(known.logged, options.after ?? 0)
    }
  }

  // Its own input is the starter's command; what somebody else sends into it needs an entry before it goes.
  async #noteForeignInput(actor: Actor, { command }: OpenCommand): Promise<void> {
    if (actor.userId === command.userId || command.hasInputFrom(actor.userId)) return
    await this.#deps.journal.append(actor.orgId, [commandInput(command, actor)])
    command.noteInputFrom(actor.userId)
  }

  // The answer is made inside the gate, so that a refusal on the way (a full queue) is journaled too.
  async #launch<T>(actor: Actor, input: Asked, how: Launching<T>): Promise<T> {
    const { gate, sessions, access, launcher, intake } = this.#deps
    const { sessionId } = input
    const { permission, verb } = how.mode === 'shell' ? SHELL_RIGHTS : EXEC_RIGHTS
    const useCase = { permission, resource: { kind: 'session', id: sessionId } }
    return gate.run(actor, useCase, async (caller) => {
      await sessions.checkAllowed(caller, sessionId, permission)
      const request = this.#toRequest(input, how.mode)
      // A retry is answered also when nothing new may begin: the session has ended, or Krown drains.
      const known = input.commandId === undefined ? undefined : await launcher.findSame(actor, request)
      if (known) return how.answer(known)
      intake.requireOpen()
      const session = await sessions.requireLive(caller, sessionId, permission)
      await access.requireVerb(caller, session.onTarget, verb)
      return how.answer(launcher.launch(actor, { session, request, prepare: how.prepare }))
    })
  }

  #toRequest(input: Asked, mode: Launching<unknown>['mode']): CommandRequest {
    const { limits, time } = this.#deps
    if (mode === 'shell' || !('command' in input)) return toShellRequest(input, { limits, newId: time.newId })
    return toCommandRequest(input, { sessionId: input.sessionId, mode, limits, newId: time.newId })
  }

  /** Without `waitMs` it waits for the end. A waiter goes when `signal` aborts; the command does not. */
  async #waitFor(launch: Launch, { waitMs, signal }: WaitOptions & { waitMs: number | undefined }) {
    if ('logged' in launch) return withoutOutput(launch.logged)
    const { live, admitted, started } = launch
    if (waitMs === undefined) await this.#settled([started, live.done], signal)
    else {
      await this.#settled([admitted], signal)
      if (waitMs > 0) await this.#atMost([started, live.done], { waitMs, signal })
    }
    return live.toCommand()
  }

  async #atMost(
    steps: readonly Promise<void>[],
    { waitMs, signal }: WaitOptions & { waitMs: number },
  ): Promise<void> {
    const { clock } = this.#deps.time
    using deadline = startDeadline(clock, waitMs, { reason: () => undefined, parent: signal })
    await this.#settled(steps, deadline.signal)
  }

  /** One after the other, unless it is given up. Rejects when it is known that nothing ran. */
  async #settled(steps: readonly Promise<void>[], signal: AbortSignal | undefined): Promise<void> {
    for (const step of steps) {
      if (signal) await this.#waiting.until(step, signal)
      if (signal?.aborted) return
      await step
    }
  }

  async #cancelOpen(caller: Caller, open: OpenCommand): Promise<void> {
    const { actor } = caller
    await this.#deps.access.requireEnd(caller, { on: open.onTarget, verbs: [open.verb] })
    // Ending something is not refused for want of a journal: the entry follows when it can be written.
    const entry = commandCancelRequested(open.command, actor)
    const noted = this.#deps.results.write({ orgId: actor.orgId, queries: [], entry })
    await Promise.all([open.terminate('cancelled'), noted])
  }

  async #withOpen(actor: Actor, id: CommandId, work: (open: OpenCommand) => Promise<void>): Promise<void> {
    await this.#withCommand(actor, { id, permission: 'command:control' }, async (_, caller) => {
      const open = this.#deps.launcher.findOpen(actor.orgId, id)
      if (!open) throw new KrownError('CONFLICT', 'the command is not running (any more)')
      // What a shell reads are commands as well.
      await this.#deps.access.requireVerb(caller, open.onTarget, open.verb)
      await work(open)
    })
  }

  async #withCommand<T>(
    actor: Actor,
    wanted: { id: CommandId; permission: Permission },
    work: (known: Launch, caller: Caller) => Promise<T>,
  ): Promise<T> {
    const { id, permission } = wanted
    const useCase = { permission, resource: { kind: 'command', id } }
    return this.#deps.gate.run(actor, useCase, async (caller) =>
      work(await this.#find(caller, wanted), caller),
    )
  }

  /** What the rules of the caller's API token, if any name it, let it know of. */
  async #inSight(caller: Caller, commands: CommandSummary[]): Promise<CommandSummary[]> {
    const { access, db } = this.#deps
    const sight = await access.sightOfSessions(caller)
    if (!sight) return commands
    const ids = new Set(commands.map(({ sessionId }) => sessionId))
    const targets = await findTargetsOfSessions(db, caller.actor.orgId, [...ids])
    return commands.filter(({ sessionId }) => sight(targets.get(sessionId) ?? null))
  }

  async #find(caller: Caller, wanted: { id: CommandId; permission: Permission }): Promise<Launch> {
    const { actor, subject } = caller
    const live = this.#deps.launcher.find(actor.orgId, wanted.id)
    const logged = live ? undefined : await findCommand(this.#deps.db, actor.orgId, wanted.id)
    const sessionId = live?.request.sessionId ?? logged?.sessionId
    const isSeen = sessionId !== undefined && (await this.#deps.sessions.isInSight(caller, sessionId))
    const rights = { wanted: wanted.permission, visible: 'command:read' as const, noun: 'command' }
    requireRow(subject, rights, isSeen ? (live ?? logged) : undefined)
    if (live) return { live, admitted: Promise.resolve(), started: Promise.resolve() }
    if (logged) return { logged }
    throw notFound('command')
  }
}
