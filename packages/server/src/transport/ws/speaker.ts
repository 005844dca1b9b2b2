import type { InProcessClient } from '@krown/core'
import type { Attachments } from './attachments.js'
import type { LiveSocket } from './live-socket.js'
import type { Subscriptions } from './subscriptions.js'

/** What a client is told that it is held to. */
export interface SpeakerLimits {
  readonly messageBytes: number
  readonly messagesPerSecond: number
  readonly subscriptions: number
  readonly attachments: number
  /** Of one channel, that wait for the target. */
  readonly inputBytes: number
}

/** Who says something, as the messages see it. */
export interface Speaker {
  readonly socket: LiveSocket
  readonly limits: SpeakerLimits
  readonly subscriptions: Subscriptions
  readonly attachments: Attachments
  /** What the caller may do. @throws KrownError UNAUTHENTICATED */
  client(): InProcessClient
  /** Says something that is no reply, or before the reply would be said. */
  send(message: Readonly<Record<string, unknown>>): void
}
