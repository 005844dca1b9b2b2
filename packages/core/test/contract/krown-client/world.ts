import type { Sshd } from '@krown/testkit'
import { isKrownError, type KrownError } from '../../../src/errors/krown-error.js'
import type { CommandOutputEvent } from '../../../src/model/command.js'
import type { CommandId } from '../../../src/model/ids.js'
import type { CommandStream, KrownClient, SessionHandle } from '../../../src/model/krown-client.js'
import type { OpenSessionInput } from '../../../src/model/session.js'

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

export function login({ sshd }: World): OpenSessionInput {
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

export async function eventsOf(output: AsyncIterable<CommandOutputEvent>): Promise<CommandOutputEvent[]> {
  const events: CommandOutputEvent[] = []
  for await (const event of output) events.push(event)
  return events
}

export async function refusal(promise: Promise<unknown>): Promise<KrownError> {
  const outcome = await promise.then(
    (value) => ({ value }),
    (error: unknown) => ({ error }),
  )
  if ('error' in outcome && isKrownError(outcome.error)) return outcome.error
  throw new Error('expected a KrownError', { cause: outcome })
}
