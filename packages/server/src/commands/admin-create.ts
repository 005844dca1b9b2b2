import { isKrownError, KrownError } from '@krown/core'
import { type AccountOptions, choosePassword, openAdmin, showGenerated } from './admin-account.js'
import type { Io } from './io.js'

interface CreateAdminOptions extends AccountOptions {
  readonly email?: string
}

/** Makes the first administrator without a setup token: whoever may read the database may do this. */
export async function createAdmin(options: CreateAdminOptions, io: Io): Promise<number> {
  const chosen = await choosePassword(options, io)
  await using admin = await openAdmin(options, io)
  const { username, email } = options
  const account = { username, password: chosen.password, ...(email !== undefined && { email }) }
  const user = await admin.createFirstAdmin(account).catch(explainConflict)
  io.stdout.write(`Administrator ${user.username} is made.\n`)
  showGenerated(chosen, io)
  return 0
}

function explainConflict(error: unknown): never {
  if (!isKrownError(error) || error.code !== 'CONFLICT') throw error
  const message = `${error.message}; an administrator can make others, and "krown-server admin reset" sets a lost password`
  throw new KrownError('CONFLICT', message)
}
