import { type BearerActor, isKrownError, type Krown } from '@krown/core'
import type { Logger } from 'pino'
import { CLOSE } from './close-codes.js'
import type { LiveSocket } from './live-socket.js'
import type { SocketSettings } from './socket-settings.js'

/** What is left of the five seconds in which the end of a right must show, after core's own cache. */
const CHECK_RIGHTS_MS = 2000

/** Every open WebSocket, and the one timer that looks after them. */
export class Sockets {
  readonly #krown: Krown
  readonly #logger: Logger
  readonly #open = new Map<LiveSocket, Promise<void>>()
  readonly #timer: NodeJS.Timeout
  #checkedAt = 0
  #checking = false
  #announced = false

  constructor(parts: { krown: Krown; logger: Logger; settings: SocketSettings }) {
    this.#krown = parts.krown
    this.#logger = parts.logger
    this.#timer = setInterval(() => this.#sweep(), parts.settings.sweepEveryMs)
    this.#timer.unref()
  }

  /** @param closed Settles when the socket is gone. */
  add(socket: LiveSocket, closed: Promise<void>): void {
    this.#open.set(
      socket,
      closed.then(() => void this.#open.delete(socket)),
    )
  }

  /** Ends them all, saying that the server restarts; resolves when they are gone. */
  async close(): Promise<void> {
    clearInterval(this.#timer)
    for (const socket of this.#open.keys()) socket.close(CLOSE.restarting, 'restarting')
    await Promise.all(this.#open.values())
  }

  #sweep(): void {
    for (const socket of this.#open.keys()) socket.tick()
    if (this.#krown.draining && !this.#announced) {
      this.#announced = true
      for (const socket of this.#open.keys()) socket.announceRestart()
    }
    const now = performance.now()
    if (this.#checking || now - this.#checkedAt < CHECK_RIGHTS_MS) return
    this.#checkedAt = now
    this.#checking = true
    this.#checkRights()
      .catch((err: unknown) => this.#logger.warn({ err }, 'rights of WebSockets could not be checked'))
      .finally(() => {
        this.#checking = false
      })
  }

  /** One question for each login or token, however many sockets it has. */
  async #checkRights(): Promise<void> {
    const ofBearers = new Map<string, { actor: BearerActor; sockets: LiveSocket[] }>()
    for (const socket of this.#open.keys()) {
      const { actor } = socket
      if (!actor) continue
      const key = actor.kind === 'login' ? actor.loginId : actor.tokenId
      const known = ofBearers.get(key)
      if (known) known.sockets.push(socket)
      else ofBearers.set(key, { actor, sockets: [socket] })
    }
    await Promise.all([...ofBearers.values()].map((bearer) => this.#checkBearer(bearer)))
  }

  async #checkBearer({ actor, sockets }: { actor: BearerActor; sockets: LiveSocket[] }): Promise<void> {
    if (await this.#isSignedIn(actor)) return
    const isDisabled = await this.#isDisabled(actor)
    for (const socket of sockets) {
      // It may have brought another token while we asked.
      if (socket.actor !== actor && (await this.#isSignedIn(socket.actor ?? actor))) continue
      if (isDisabled) socket.close(CLOSE.userDisabled, 'the user is disabled')
      else socket.close(CLOSE.notAuthenticated, 'signed out')
    }
  }

  async #isSignedIn(actor: BearerActor): Promise<boolean> {
    try {
      await this.#krown.as(actor).auth.me()
      return true
    } catch (error) {
      if (isKrownError(error) && error.code === 'UNAUTHENTICATED') return false
      throw error
    }
  }

  async #isDisabled({ orgId, userId }: BearerActor): Promise<boolean> {
    try {
      return (await this.#krown.as(await this.#krown.actors.system(orgId)).users.get(userId)).disabled
    } catch (error) {
      if (isKrownError(error) && error.code === 'NOT_FOUND') return true
      throw error
    }
  }
}
