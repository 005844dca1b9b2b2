import { type AccountOptions, choosePassword, openAdmin, showGenerated } from './admin-account.js'
import type { Io } from './io.js'

/** For an administrator who lost the password. */
export async function resetAdmin(options: AccountOptions, io: Io): Promise<number> {
  const chosen = await choosePassword(options, io)
  await using admin = await openAdmin(options, io)
  const user = await admin.resetPassword({ username: options.username, password: chosen.password })
  io.stdout.write(`The password of ${user.username} is set, and every login of it has ended.\n`)
  showGenerated(chosen, io)
  return 0
}
