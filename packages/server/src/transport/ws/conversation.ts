import { isKrownError, type Krown, type KrownClient, type KrownError, type SessionEvent } from '@krown/core'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import { toKrownError } from '../../errors/error-mapping.js'
import { logFailure } from '../answer-errors.js'
import { parseJsonText } from '../json-body.js'
import { CLOSE } from './close-codes.js'
import type { LiveSocket } from './live-socket.js'
import { findMessage, idOf, NEEDS_NO_TOKEN } from './messages.js'
import type { SharedTexts } from './shared-texts.js'
import type { Speaker, SpeakerLimits } from './speaker.js'
import { type MessageId, Subscriptions } from './subscriptions.js'

export interface ConversationParts {
  readonly krown: Krown
  readonly logger: Logger
  readonly socket: LiveSocket
  readonly ws: WebSocket
  readonly limits: SpeakerLimits
  readonly texts: SharedTexts
}

type Json = Record<string, unknown>

/** One client of the plain protocol: takes its messages one after the other, and answers each. */
export class Conversation implements Speaker {
  readonly socket: LiveSocket
  readonly limits: SpeakerLimits
  readonly subscriptions: Subscriptions
  readonly #parts: ConversationParts
  #handled: Promise<void> = Promise.resolve()

  constructor(parts: ConversationParts) {
    const { socket, ws, limits } = parts
    this.socket = socket
    this.limits = limits
    this.subscriptions = new Subscriptions(socket, {
      send: (message) => this.send(message),
      sendEvent: (event) => this.#sendEvent(event),
      fail: (error, about) => this.#refuse(error, about),
    })
    this.#parts = parts
    ws.on('message', (data, isBinary) => this.#receive(String(data), isBinary))
    ws.once('close', () => this.subscriptions.endAll())
  }

  client(): KrownClient {
    const { krown, socket } = this.#parts
    return krown.as(socket.requireActor())
  }

  send(message: Json): void {
    if (this.socket.isOpen) this.#parts.ws.send(JSON.stringify(message))
  }

  #sendEvent(event: SessionEvent): void {
    const { ws, texts } = this.#parts
    if (this.socket.isOpen) ws.send(texts.of(event), { binary: false })
  }

  #receive(text: string, isBinary: boolean): void {
    const message = isBinary ? undefined : parseMessage(text)
    if (!message) {
      this.socket.close(CLOSE.malformed, 'not a JSON object with a type')
      return
    }
    // Nothing more is read while one is at work, so that a client cannot fill the memory with what it asks.
    const goOn = this.socket.hold()
    this.#handled = this.#handled.then(async () => {
      await this.#handle(message)
      await this.socket.ready()
      goOn()
    })
  }

  async #handle(message: Json & { readonly type: string }): Promise<void> {
    const about = idOf(message)
    try {
      if (!NEEDS_NO_TOKEN.has(message.type)) this.#parts.krown.countRequest(this.socket.requireActor())
      const reply = await findMessage(message.type).handle(this, message)
      if (reply) this.send({ ...reply, ...about })
    } catch (error) {
      this.#refuse(error, about)
    }
  }

  #refuse(error: unknown, about: { id?: MessageId; sessionId?: string }): void {
    const { code, message, details, retryAfterMs } = this.#toKnown(error)
    this.send({
      type: 'error',
      code,
      message,
      ...(details && { details }),
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      ...about,
    })
  }

  #toKnown(error: unknown): KrownError {
    const known = isKrownError(error) ? error : toKrownError(error)
    logFailure(this.#parts.logger, known, this.socket.origin.requestId)
    return known
  }
}

/** Undefined for what is no message at all, whoever reads it. */
function parseMessage(text: string): (Json & { readonly type: string }) | undefined {
  try {
    const value = parseJsonText(text)
    const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
    return isObject && 'type' in value && typeof value.type === 'string'
      ? { ...value, type: value.type }
      : undefined
  } catch {
    return undefined
  }
}
