import type { Clock } from '../../base/clock.js'
import { raceSignal } from '../../base/deadline.js'
import { type Deferred, defer } from '../../base/deferred.js'
import { pause } from '../../base/pause.js'
import type { ChannelSink, SshConnection } from '../../ssh/connector.js'
import { KILL_SCRIPT, readProcessList } from './kill-script.js'
import type { LiveCommand } from './live-command.js'
import type { StartGate } from './start-gate.js'

/** What it needs to know of a session. */
export interface GroupsOfSession {
  readonly connection: SshConnection
  readonly starts: StartGate
  /** Commands with a channel, in the order in which the target started them. */
  readonly running: readonly LiveCommand[]
  /** The target may run commands of this connection that Krown has given up. */
  readonly mayRunMore: boolean
}

interface Wanted {
  readonly command: LiveCommand
  readonly signal: 'TERM' | 'KILL'
  readonly done: Deferred<void>
}

// Between the end of a process and the message that says so, Krown counts one more than the target runs.
const LIST_AGAIN_MS = 50

/**
 * Signals process groups by a second exec on the connection, whose script lists what the target runs there. A
 * command is found by the order in which they were started. Where the target does not run as many as Krown
 * believes, picking one would be a guess, and none is signalled. One script serves all who want a signal.
 */
export class GroupKiller {
  readonly #session: GroupsOfSession
  readonly #clock: Clock
  readonly #wanted = new Set<Wanted>()
  #dialogue: AbortController | undefined

  constructor(deps: { session: GroupsOfSession; clock: Clock }) {
    this.#session = deps.session
    this.#clock = deps.clock
  }

  /**
   * Resolves when the group was signalled, or the command has ended by itself.
   *
   * @throws The reason of `timeIsUp`; whatever the second exec failed with.
   */
  async signal(command: LiveCommand, signal: Wanted['signal'], timeIsUp: AbortSignal): Promise<void> {
    const wanted = { command, signal, done: defer<void>() }
    this.#wanted.add(wanted)
    if (!this.#dialogue) void this.#talk()
    try {
      await raceSignal(Promise.race([wanted.done.promise, command.ended]), timeIsUp)
    } finally {
      this.#wanted.delete(wanted)
      if (this.#wanted.size === 0) this.#dialogue?.abort(new Error('nothing is to be signalled any more'))
    }
  }

  async #talk(): Promise<void> {
    const dialogue = new AbortController()
    this.#dialogue = dialogue
    try {
      await this.#session.starts.look(dialogue.signal, (letStart) =>
        this.#withScript(letStart, dialogue.signal),
      )
    } catch (error) {
      for (const { done } of this.#wanted) done.reject(error)
      this.#wanted.clear()
    }
    this.#dialogue = undefined
    // What was started after the script needs another one.
    if (this.#wanted.size > 0) void this.#talk()
  }

  async #withScript(letStart: () => void, signal: AbortSignal): Promise<void> {
    const { connection, running, mayRunMore } = this.#session
    if (mayRunMore) throw new Error('the processes cannot be told apart')
    const older = [...running]
    const lists = new ProcessLists()
    const starting = connection.exec(KILL_SCRIPT, lists, { signal })
    try {
      const script = await raceSignal(starting, signal)
      letStart()
      for (let wanted = this.#firstOf(older); wanted; wanted = this.#firstOf(older)) {
        const found = await raceSignal(lists.next(), signal)
        await script.write(Buffer.from(`${await this.#answer(wanted, { older, found, signal })}\n`))
      }
    } finally {
      starting.then((script) => script.close()).catch(() => {})
    }
  }

  #firstOf(commands: readonly LiveCommand[]): Wanted | undefined {
    for (const wanted of this.#wanted) if (commands.includes(wanted.command)) return wanted
    return undefined
  }

  async #answer(
    wanted: Wanted,
    seen: { older: readonly LiveCommand[]; found: readonly number[]; signal: AbortSignal },
  ): Promise<string> {
    const expected = seen.older.filter((command) => this.#session.running.includes(command))
    const isClear = seen.found.length === expected.length
    const group = isClear ? seen.found[expected.indexOf(wanted.command)] : undefined
    if (group === undefined) {
      await pause(this.#clock, LIST_AGAIN_MS, seen.signal)
      return 'again'
    }
    this.#wanted.delete(wanted)
    wanted.done.resolve()
    return `${wanted.signal} ${group}`
  }
}

const MAX_PRINTED = 64 * 1024

/** What the script prints, list by list. */
class ProcessLists implements ChannelSink {
  #printed = ''
  #next: Deferred<number[]> = defer()

  constructor() {
    this.#next.promise.catch(() => {})
  }

  data(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (stream === 'stderr') return
    this.#printed = (this.#printed + chunk.toString('latin1')).slice(-MAX_PRINTED)
    const list = readProcessList(this.#printed)
    if (!list) return
    this.#printed = ''
    this.#next.resolve(list)
  }

  end(): void {
    this.#next.reject(new Error('the script has ended'))
  }

  async next(): Promise<number[]> {
    const list = await this.#next.promise
    this.#next = defer()
    this.#next.promise.catch(() => {})
    return list
  }
}
