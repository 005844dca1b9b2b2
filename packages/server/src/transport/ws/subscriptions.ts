import { KrownError, type SessionEvent, type SessionId } from '@krown/core'
import type { LiveSocket } from './live-socket.js'

/** Chosen by the client, given back in the reply. */
export type MessageId = string | number

interface Output {
  send(message: Record<string, unknown>): void
  /** Tells that it ended with an error. */
  fail(error: unknown, about: { id?: MessageId; sessionId?: string }): void
}

interface Wanted {
  /** Null: everything the caller may see. */
  readonly sessionId: SessionId | null
  /** Where to go on; undefined: from now on. */
  readonly after: number | undefined
  readonly id: MessageId | undefined
  events(signal: AbortSignal): AsyncIterable<SessionEvent>
}

interface Running {
  readonly stop: AbortController
  readonly giveBack: () => void
}

/** What one client listens to. Each reads its own events, and only as fast as the client takes them. */
export class Subscriptions {
  readonly #socket: LiveSocket
  readonly #output: Output
  readonly #running = new Map<SessionId | null, Running>()

  constructor(socket: LiveSocket, output: Output) {
    this.#socket = socket
    this.#output = output
  }

  /** @throws KrownError CONFLICT when there is one already; QUOTA_EXCEEDED. */
  start(wanted: Wanted): void {
    const { sessionId } = wanted
    if (this.#running.has(sessionId)) throw new KrownError('CONFLICT', 'subscribed to it already')
    const running = { stop: new AbortController(), giveBack: this.#socket.takeSubscription() }
    this.#running.set(sessionId, running)
    void this.#run(wanted, running)
  }

  /** Ending what there is not is fine. */
  end(sessionId: SessionId | null): void {
    const running = this.#running.get(sessionId)
    if (!running) return
    this.#running.delete(sessionId)
    running.giveBack()
    running.stop.abort()
  }

  endAll(): void {
    for (const sessionId of [...this.#running.keys()]) this.end(sessionId)
  }

  async #run(wanted: Wanted, running: Running): Promise<void> {
    const { sessionId } = wanted
    const { signal } = running.stop
    try {
      await this.#forward(wanted, signal)
    } catch (error) {
      if (!signal.aborted) this.#output.fail(error, sessionId === null ? {} : { sessionId })
    }
    if (signal.aborted) return
    this.end(sessionId)
    this.#output.send({ type: 'unsubscribed', sessionId })
  }

  async #forward({ sessionId, after, id, events }: Wanted, signal: AbortSignal): Promise<void> {
    const tell = (seq: number) =>
      this.#output.send({ type: 'subscribed', sessionId, seq, ...(id !== undefined && { id }) })
    if (after !== undefined) tell(after)
    let told = after !== undefined
    for await (const event of events(signal)) {
      // A reader from now on begins with how the session is, at the number after which it goes on.
      if (!told) tell(event.seq)
      told = true
      if (signal.aborted) return
      this.#output.send({ ...event })
      await this.#socket.ready()
    }
  }
}
