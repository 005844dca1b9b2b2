import type { KrownClient } from '@krown/core'
import type { LiveSocket } from './live-socket.js'
import type { Subscriptions } from './subscriptions.js'

/** What a client is told that it is held to. */
export interface SpeakerLimits {
  readonly messageBytes: number
  readonly messagesPerSecond: number
  readonly subscriptions: number
}

/** Who says something, as the messages see it. */
export interface Speaker {
  readonly socket: LiveSocket
  readonly limits: SpeakerLimits
  readonly subscriptions: Subscriptions
  /** What the caller may do. @throws KrownError UNAUTHENTICATED */
  client(): KrownClient
}
