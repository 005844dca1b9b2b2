import type { JumpRoute, SshAuth, SshLogin } from './connector.js'
import { atHop, type Hop } from './hop.js'

/** How to log in at a stop; without a credential, only its host key is of interest. */
export type StopLogin = Omit<SshLogin, 'auth'> & { readonly auth: SshAuth | null }

/** An SSH server on the way. */
export interface Stop {
  readonly login: StopLogin
  /** Null for the target. */
  readonly hop: Hop | null
  /** The server, for those who wait for it: an address behind a jump host is another than the same one here. */
  readonly key: string
}

export interface Stops {
  readonly hops: readonly Stop[]
  readonly target: Stop
}

/** @throws what `checkForward` throws: nothing is sent on a way that leads where it must not. */
export function stopsOf(login: StopLogin, via: JumpRoute | undefined): Stops {
  const logins = via?.hops ?? []
  const hops = logins.map((jumpHost, index) => ({
    login: jumpHost,
    hop: { name: jumpHost.name, number: index + 1, count: logins.length },
    key: keyOf(logins.slice(0, index + 1)),
  }))
  const target = { login, hop: null, key: keyOf([...logins, login]) }
  for (const stop of [...hops, target].slice(1)) checkForward(stop, via)
  return { hops, target }
}

function keyOf(way: readonly StopLogin[]): string {
  return way.map(({ host, port }) => `${host.toLowerCase()}:${port}`).join('>')
}

function checkForward({ login: { host, port }, hop }: Stop, via: JumpRoute | undefined): void {
  try {
    via?.checkForward(host, port)
  } catch (error) {
    throw atHop(hop, error)
  }
}
