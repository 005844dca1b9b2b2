import {
  type InProcessClient,
  isKrownError,
  type Krown,
  type KrownError,
  type SessionEvent,
} from '@krown/core'
import type { Logger } from 'pino'
import type { WebSocket } from 'ws'
import { toKrownError } from '../../errors/error-mapping.js'
import { logFailure } from '../answer-errors.js'
import { parseJsonText } from '../json-body.js'
import { Attachments } from './attachments.js'
import { decodeInput } from './channel-frames.js'
import type { ChannelNumbers } from './channel-numbers.js'
import { CLOSE } from './close-codes.js'
import type { LiveSocket } from './live-socket.js'
import { idOf } from './message-kind.js'
import { findMessage, NEEDS_NO_TOKEN, traitsOf } from './messages.js'
import type { SharedTexts } from './shared-texts.js'
import type { Speaker, SpeakerLimits } from './speaker.js'
import { Subscriptions } from './subscriptions.js'

export interface ConversationParts {
  readonly krown: Krown
  readonly logger: Logger
  readonly socket: LiveSocket
  readonly ws: WebSocket
  readonly limits: SpeakerLimits
  readonly texts: SharedTexts
  readonly numbers: ChannelNumbers
}

/** Messages that take long, of one socket, beside which others are listened to. */
const MAX_SLOW_AT_ONCE = 16

type Json = Record<string, unknown>

/** One client of the plain protocol: takes its messages one after the other, and answers each. */
export class Conversation implements Speaker {
  readonly socket: LiveSocket
  readonly limits: SpeakerLimits
  readonly subscriptions: Subscriptions
  readonly attachments: Attachments
  readonly #parts: ConversationParts
  #handled: Promise<void> = Promise.resolve()
  #slow = 0

  constructor(parts: ConversationParts) {
    const { socket, ws, limits, numbers } = parts
    this.socket = socket
    this.limits = limits
    this.subscriptions = new Subscriptions(socket, {
      send: (message) => this.send(message),
      sendEvent: (event) => this.#sendEvent(event),
      fail: (error, about) => this.#refuse(error, about),
    })
    this.attachments = new Attachments(socket, numbers, {
      send: (message) => this.send(message),
      sendFrame: (frame) => this.#sendFrame(frame),
      fail: (error, about) => this.#refuse(error, about),
    })
    this.#parts = parts
    // As `ws` gives it unless it is told otherwise.
    ws.on('message', (data: Buffer, isBinary) => this.#receive(data, isBinary))
    ws.once('close', () => {
      this.subscriptions.endAll()
      this.attachments.endAll()
    })
  }

  client(): InProcessClient {
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

  #sendFrame(frame: Buffer): void {
    if (this.socket.isOpen) this.#parts.ws.send(frame, { binary: true })
  }

  #receive(data: Buffer, isBinary: boolean): void {
    const input = isBinary ? decodeInput(data) : undefined
    const message = isBinary ? undefined : parseMessage(String(data))
    if (input) this.#inTurn(async () => this.#type(input))
    else if (!message) this.socket.close(CLOSE.malformed, 'neither a JSON object with a type nor input')
    else if (traitsOf(message.type).quick) void this.#handle(message)
    else this.#inTurn(() => this.#handleUnlessSlow(message))
  }

  /** Nothing more is read while something is at work, so that a client cannot fill the memory with what it asks. */
  #inTurn(work: () => Promise<void>): void {
    const goOn = this.socket.hold()
    this.#handled = this.#handled.then(async () => {
      await work()
      await this.socket.ready()
      goOn()
    })
  }

  async #handleUnlessSlow(message: Json & { readonly type: string }): Promise<void> {
    const handled = this.#handle(message)
    if (!traitsOf(message.type).slow || this.#slow >= MAX_SLOW_AT_ONCE) return handled
    this.#slow += 1
    void handled.finally(() => {
      this.#slow -= 1
    })
  }

  #type({ channel, data }: { channel: number; data: Buffer }): void {
    try {
      this.socket.requireActor()
      const { input } = this.attachments.get(channel)
      input.push(data)
      if (input.isFull) void input.roomAgain().then(this.socket.hold())
    } catch (error) {
      this.#refuse(error, { channel })
    }
  }

  async #handle(message: Json & { readonly type: string }): Promise<void> {
    const about = idOf(message)
    try {
      this.#admit(message.type)
      const reply = await findMessage(message.type).handle(this, message)
      if (reply) this.send({ ...reply, ...about })
    } catch (error) {
      this.#refuse(error, about)
    }
  }

  #admit(type: string): void {
    if (NEEDS_NO_TOKEN.has(type)) return
    const actor = this.socket.requireActor()
    if (!traitsOf(type).quick) this.#parts.krown.countRequest(actor)
  }

  #refuse(error: unknown, about: Json): void {
    const { code, kind, retryable, message, details, retryAfterMs } = this.#toKnown(error)
    this.send({
      type: 'error',
      code,
      kind,
      retryable,
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
