import { openAdmin } from './admin-account.js'
import type { Io } from './io.js'
import type { ConfigOptions } from './read-config.js'

interface GrantOptions extends ConfigOptions {
  readonly username: string
}

/** So that the only administrator of the instance can be replaced. */
export async function grantInstance(options: GrantOptions, io: Io): Promise<number> {
  await using admin = await openAdmin(options, io)
  const user = await admin.grantInstanceAdmin({ username: options.username })
  io.stdout.write(`${user.username} is an administrator of the instance.\n`)
  return 0
}
