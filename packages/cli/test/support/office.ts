import type { KrownConfigInput, User } from '@krown/core'
import { createTempDir } from '@krown/testkit'
import { type Gateway, PASSWORD, startGateway } from '../../../server/test/support/gateway.js'
import { type Finished, type KrownProcess, krown, type RunOptions, startKrown } from './krown.js'

export { PASSWORD }

/** Somebody with a home of their own, at a machine where krown is installed. */
export interface Desk {
  readonly home: string
  readonly env: NodeJS.ProcessEnv
  readonly username: string
  krown(args: readonly string[], options?: RunOptions): Promise<Finished>
  start(args: readonly string[]): KrownProcess
}

/** A real server, and people who use it by the command line. */
export interface Office extends AsyncDisposable {
  readonly gateway: Gateway
  readonly url: string
  /** Signed in by `krown login`. */
  desk(role: User['role'], options?: { auditScope?: 'org' }): Promise<Desk>
  /** Signed in nowhere. */
  newDesk(): Promise<Desk>
}

/** @param config Targets on this machine are allowed. */
export async function startOffice(config: KrownConfigInput = {}): Promise<Office> {
  const ssh = { ...config.ssh, outbound: { allowLoopback: true, adhocPorts: [], allow: [] } }
  const gateway = await startGateway({ config: { ...config, ssh } })
  const homes: AsyncDisposable[] = []
  const newDesk = async (username = ''): Promise<Desk> => {
    const home = await createTempDir()
    homes.push(home)
    const env = { HOME: home.path, KROWN_URL: gateway.url }
    return {
      home: home.path,
      env,
      username,
      krown: (args, options = {}) => krown(args, { ...options, env: { ...env, ...options.env } }),
      start: (args) => startKrown(args, env),
    }
  }
  const desk: Office['desk'] = async (role, options) => {
    const { user } = await gateway.person(role, options)
    const place = await newDesk(user.username)
    const { exitCode, stderr } = await place.krown(
      ['login', '--username', user.username, '--password-stdin'],
      {
        stdin: `${PASSWORD}\n`,
      },
    )
    if (exitCode !== 0) throw new Error(stderr)
    return place
  }
  return {
    gateway,
    url: gateway.url,
    desk,
    newDesk: () => newDesk(),
    [Symbol.asyncDispose]: async () => {
      await gateway[Symbol.asyncDispose]()
      for (const home of homes) await home[Symbol.asyncDispose]()
    },
  }
}
