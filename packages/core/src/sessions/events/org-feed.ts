import { Bell } from '../../base/bell.js'
import { BoundedEntries } from '../../base/bounded-entries.js'
import type { SessionEvent, SessionGapEvent } from '../../model/session-event.js'
import type { Sees } from './event-visibility.js'
import type { LifecycleEntry } from './session-log.js'

interface Published {
  readonly seq: number
  readonly textLength: number
  readonly entry: LifecycleEntry
}

// What was lost, and whose it was, is not known.
const LOST: SessionGapEvent = { type: 'gap', sessionId: null, seq: 0, fromSeq: 0, toSeq: 0 }

/** What happens in an organization, without output, for who reads by then: a reader is only a place in it. */
export class OrgFeed {
  readonly bell = new Bell()
  readonly #entries = new BoundedEntries<Published>()
  readonly #onUnread: () => void
  #end = 0
  #readers = 0

  /** @param onUnread Called when the last reader has left. */
  constructor(onUnread: () => void) {
    this.#onUnread = onUnread
  }

  /** Number of what was published last. */
  get end(): number {
    return this.#end
  }

  publish(entry: LifecycleEntry): void {
    this.#end += 1
    this.#entries.append({ seq: this.#end, textLength: entry.textLength, entry })
    this.bell.ring()
  }

  /** @returns A reader of what is published from now on; it has to be closed. */
  open(): OrgFeedReader {
    this.#readers += 1
    return new OrgFeedReader(this)
  }

  after(seq: number): Published | undefined {
    return this.#entries.after(seq)
  }

  left(): void {
    this.#readers -= 1
    if (this.#readers === 0) this.#onUnread()
  }
}

export class OrgFeedReader {
  readonly #feed: OrgFeed
  #seq: number

  constructor(feed: OrgFeed) {
    this.#feed = feed
    this.#seq = feed.end
  }

  get bell(): Bell {
    return this.#feed.bell
  }

  get ended(): boolean {
    return false
  }

  /** The next event that it may see; undefined when there is none yet. */
  next(sees: Sees): SessionEvent | undefined {
    for (let found = this.#feed.after(this.#seq); found; found = this.#feed.after(this.#seq)) {
      const isNext = found.seq === this.#seq + 1
      this.#seq = isNext ? found.seq : found.seq - 1
      if (!isNext) return LOST
      if (sees(found.entry)) return found.entry.event
    }
    return undefined
  }

  close(): void {
    this.#feed.left()
  }
}
