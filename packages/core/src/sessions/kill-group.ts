import { raceSignal } from '../base/deadline.js'
import { type Deferred, defer } from '../base/deferred.js'
import type { ChannelSink } from '../ssh/connector.js'
import { KILL_SCRIPT, readProcessList } from './kill-script.js'
import type { LiveCommand } from './live-command.js'
import type { LiveSession } from './live-session.js'

export interface GroupKill {
  readonly session: LiveSession
  readonly command: LiveCommand
  readonly signal: 'TERM' | 'KILL'
  /** Rejects when the time is up. */
  pause(ms: number): Promise<void>
  readonly timeIsUp: AbortSignal
}

// Between the end of a process and the message that says so, Krown counts one more than the target runs.
const LIST_AGAIN_MS = 50
// Whoever looks next should not miss the process that was killed now.
const NOTICE_MS = 250

/**
 * Signals the process group of one command by a second exec on its connection, which lists what the target runs
 * there. It is picked by the order in which the commands were started. Where the target does not run as many as
 * Krown believes, picking one would be a guess, and none is signalled.
 *
 * @throws The reason of `timeIsUp`; whatever the second exec failed with.
 */
export async function killGroup(kill: GroupKill): Promise<void> {
  const { session, timeIsUp } = kill
  await session.starts.look(timeIsUp, async (letStart) => {
    if (session.mayRunMore) return
    const lists = new ProcessLists()
    const started = [...session.running]
    const starting = session.connection.exec(KILL_SCRIPT, lists, { signal: timeIsUp })
    try {
      const helper = await raceSignal(starting, timeIsUp)
      letStart()
      await pickAndSignal(kill, { lists, started, answer: (line) => helper.write(Buffer.from(`${line}\n`)) })
    } finally {
      starting.then((helper) => helper.close()).catch(() => {})
    }
  })
}

interface Dialogue {
  readonly lists: ProcessLists
  /** What Krown knew to run when the script started. */
  readonly started: readonly LiveCommand[]
  answer(line: string): Promise<void>
}

async function pickAndSignal(kill: GroupKill, { lists, started, answer }: Dialogue): Promise<void> {
  const { session, command, signal, timeIsUp } = kill
  for (;;) {
    const found = await raceSignal(lists.next(), timeIsUp)
    if (!found || command.hasEnded) return
    const expected = started.filter((other) => session.running.includes(other))
    const pid = found.length === expected.length ? found[expected.indexOf(command)] : undefined
    await answer(pid === undefined ? 'again' : `${signal} ${pid}`)
    if (pid !== undefined) return Promise.race([command.ended, kill.pause(NOTICE_MS)])
    await kill.pause(LIST_AGAIN_MS)
  }
}

const MAX_PRINTED = 64 * 1024

/** What the script prints, list by list. */
class ProcessLists implements ChannelSink {
  #printed = ''
  #next: Deferred<number[] | undefined> = defer()

  data(stream: 'stdout' | 'stderr', chunk: Buffer): void {
    if (stream === 'stderr') return
    this.#printed = (this.#printed + chunk.toString('latin1')).slice(-MAX_PRINTED)
    const list = readProcessList(this.#printed)
    if (!list) return
    this.#printed = ''
    this.#next.resolve(list)
  }

  end(): void {
    this.#next.resolve(undefined)
  }

  /** Undefined when the script has ended. */
  async next(): Promise<number[] | undefined> {
    const list = await this.#next.promise
    if (list) this.#next = defer()
    return list
  }
}
