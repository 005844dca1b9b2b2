import type {
  Command,
  CommandId,
  CommandOutputEvent,
  CommandStream,
  JournalEntry,
  JournalFollowOptions,
  OutputOptions,
  SessionEvent,
  SessionEventsOptions,
} from '@krown/core/model'
import type { AppRouter } from '@krown/server'
import type { TRPCClient } from '@trpc/client'
import { translated } from '../errors/to-client-error.js'
import type { CommandCalls } from '../http/calls.js'
import type { Sockets } from '../sockets/sockets.js'
import { SdkCommandStream } from './command-stream.js'
import { eventSource, journalSource } from './event-sources.js'
import { Feed, type FeedSource } from './feed.js'
import { outputSource } from './output-source.js'

export interface StreamsDeps {
  readonly trpc: TRPCClient<AppRouter>
  readonly sockets: Sockets
  readonly calls: CommandCalls
  readonly reconnectForMs: number
}

/** Everything of a client that keeps arriving. */
export class Streams {
  readonly #deps: StreamsDeps

  constructor(deps: StreamsDeps) {
    this.#deps = deps
  }

  /** @param command Started by this caller, who is to read its output. */
  drive(command: Command): CommandStream {
    const { calls, trpc } = this.#deps
    const feed = this.#outputFeed(command.id)
    const cancel = () => translated(trpc.commands.cancel.mutate({ commandId: command.id }))
    return new SdkCommandStream({ command, feed, calls, cancel })
  }

  // Generators, so that nothing is asked before somebody iterates.
  async *output(id: CommandId, options: OutputOptions = {}): AsyncGenerator<CommandOutputEvent> {
    yield* itemsOf(this.#outputFeed(id, options))
  }

  async *events({ signal, ...query }: SessionEventsOptions = {}): AsyncGenerator<SessionEvent> {
    yield* itemsOf(this.#sharedFeed(eventSource(query), signal))
  }

  async *follow({ signal, ...query }: JournalFollowOptions = {}): AsyncGenerator<JournalEntry> {
    signal?.throwIfAborted()
    // A place to come back to when the connection is lost before the first entry.
    const after = query.after ?? (await this.#newestSeq())
    yield* itemsOf(this.#sharedFeed(journalSource({ ...query, after }), signal))
  }

  #outputFeed(id: CommandId, { signal, ...query }: OutputOptions = {}): Feed<unknown, CommandOutputEvent> {
    const { sockets, reconnectForMs } = this.#deps
    return new Feed({
      source: outputSource(id, query) as FeedSource<unknown, CommandOutputEvent>,
      socket: () => sockets.forOutput(),
      holds: sockets.canHold,
      reconnectForMs,
      signal,
    })
  }

  #sharedFeed<Raw, Item>(source: FeedSource<Raw, Item>, signal: AbortSignal | undefined): Feed<Raw, Item> {
    const { sockets, reconnectForMs } = this.#deps
    return new Feed({ source, socket: () => sockets.shared(), holds: false, reconnectForMs, signal })
  }

  async #newestSeq(): Promise<number> {
    const { items } = await translated(this.#deps.trpc.journal.list.query({ limit: 1 }))
    return items[0]?.seq ?? 0
  }
}

async function* itemsOf<Raw, Item>(feed: Feed<Raw, Item>): AsyncGenerator<Item> {
  try {
    for (let item = await feed.next(); item !== undefined; item = await feed.next()) yield item
  } finally {
    feed.stop()
  }
}
