import { KrownError, type SessionEvent, type SessionId } from '@krown/core'
import type { LiveSocket } from './live-socket.js'

/** Chosen by the client, given back in the reply. */
export type MessageId = string | number

interface Output {
  send(message: Record<string, unknown>): void
  /** Others may be sent the same object. */
  sendEvent(event: SessionEvent): void
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
  /** The client was told that it began. */
  told: boolean
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
    const giveBack = this.#socket.takeSubscription()
    const running = { stop: new AbortController(), giveBack, told: false }
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
    const { sessionId, id } = wanted
    const { signal } = running.stop
    try {
      await this.#forward(wanted, running)
    } catch (error) {
      // The first that is said of it is the reply to the request, also when it is a refusal.
      const about = {
        ...(!running.told && id !== undefined && { id }),
        ...(sessionId !== null && { sessionId }),
      }
      if (!signal.aborted) this.#output.fail(error, about)
    }
    if (signal.aborted) return
    this.end(sessionId)
    this.#output.send({ type: 'unsubscribed', sessionId })
  }

  async #forward({ sessionId, after, id, events }: Wanted, running: Running): Promise<void> {
    const { signal } = running.stop
    const tell = (seq: number) => {
      running.told = true
      this.#output.send({ type: 'subscribed', sessionId, seq, ...(id !== undefined && { id }) })
    }
    if (after !== undefined) tell(after)
    for await (const event of events(signal)) {
      // A reader from now on begins with how the session is, at the number after which it goes on.
      if (!running.told) tell(event.seq)
      if (signal.aborted) return
      this.#output.sendEvent(event)
      await this.#socket.ready()
    }
  }
}
