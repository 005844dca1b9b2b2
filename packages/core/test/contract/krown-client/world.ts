import type { Sshd } from '@krown/testkit'
import { isKrownError, type KrownError } from '../../../src/errors/krown-error.js'
import type { CommandId } from '../../../src/model/ids.js'
import type { CommandStream, KrownClient, SessionHandle } from '../../../src/model/krown-client.js'
import type { AdhocSessionInput } from '../../../src/model/open-session.js'
import type { SessionEvent } from '../../../src/model/session-event.js'

/** Callers in one organization, who may open sessions to this machine on any port. */
export interface ContractClients extends AsyncDisposable {
  readonly admin: KrownClient
  readonly operator: KrownClient
  readonly otherOperator: KrownClient
  readonly readonly: KrownClient
  /** Role `readonly` with audit scope `org`. */
  readonly auditor: KrownClient
  /** A new UUIDv7. */
  newCommandId(): CommandId
}

export interface World {
  readonly clients: ContractClients
  readonly sshd: Sshd
}

/** Of nothing. */
export const UNKNOWN_ID = '01890a5d-ac96-774b-bcce-b302099a8057'

export function login({ sshd }: World): AdhocSessionInput {
  const { host, port, username, privateKey } = sshd
  return { host, port, username, auth: { method: 'key', privateKey } }
}

export function openSession(world: World): Promise<SessionHandle> {
  return world.clients.operator.sessions.open(login(world))
}

/** What was printed, each change of the stream marked. */
export async function textOf(stream: CommandStream): Promise<string> {
  let text = ''
  let last = ''
  for await (const chunk of stream) {
    if (chunk.stream !== last) text += chunk.stream === 'stdout' ? 'out:' : 'err:'
    last = chunk.stream
    text += Buffer.from(chunk.data).toString()
  }
  return text
}

/** Everything up to the end. */
export async function eventsOf<Event>(stream: AsyncIterable<Event>): Promise<Event[]> {
  const events: Event[] = []
  for await (const event of stream) events.push(event)
  return events
}

/** Events read one by one; disposing of it stops the reading. */
export interface EventsReader extends AsyncDisposable {
  next(): Promise<SessionEvent>
  /** Up to the first that fits, and with it. */
  until(fits: (event: SessionEvent) => boolean): Promise<SessionEvent[]>
  /** Up to the end of the stream. */
  rest(): Promise<SessionEvent[]>
  leave(): Promise<void>
}

export function readEvents(events: AsyncIterable<SessionEvent>): EventsReader {
  const iterator = events[Symbol.asyncIterator]()
  const leave = async () => void (await iterator.return?.())
  const until: EventsReader['until'] = async (fits) => {
    const read: SessionEvent[] = []
    for (let step = await iterator.next(); !step.done; step = await iterator.next()) {
      read.push(step.value)
      if (fits(step.value)) break
    }
    return read
  }
  return {
    next: async () => {
      const { done, value } = await iterator.next()
      if (done) throw new Error('there are no more events')
      return value
    },
    until,
    rest: () => until(() => false),
    leave,
    [Symbol.asyncDispose]: leave,
  }
}

export async function refusal(promise: Promise<unknown>): Promise<KrownError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome && isKrownError(outcome.error)) return outcome.error
  throw new Error('expected a KrownError', { cause: outcome })
}
