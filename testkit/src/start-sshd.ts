import { mkdir } from 'node:fs/promises'
import { findSshd } from './find-sshd.js'
import { generateKey } from './keys.js'
import { ensureLoginUser } from './login-user.js'
import { Sshd, type SshdOptions } from './sshd.js'
import { createTempDir } from './temp-dir.js'

export type { Sshd, SshdOptions } from './sshd.js'

/**
 * Starts OpenSSH's sshd on 127.0.0.1. As root it serves `krown-test` (key, password, keyboard-interactive through
 * PAM) and `root` (key); otherwise the current user (key).
 *
 * @throws Error when sshd is missing or refuses the configuration, with its output.
 */
export async function startSshd(options: SshdOptions = {}): Promise<Sshd> {
  const program = findSshd()
  if (!program) throw new Error('sshd is not installed')
  const asRoot = process.getuid?.() === 0
  if (asRoot) await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
  const login = asRoot ? await ensureLoginUser() : undefined
  // Others may pass through: sshd reads the authorized keys as the user who logs in.
  const dir = await createTempDir({ mode: 0o755 })
  const clientKey = generateKey()
  const sshd = new Sshd({ program, dir, login, clientKey, options })
  try {
    await sshd.start()
    return sshd
  } catch (error) {
    await sshd.stop()
    throw error
  }
}
