import { existsSync } from 'node:fs'
import { requireInCi } from './ci.js'

const PATHS = ['/usr/sbin/sshd', '/usr/bin/sshd', '/usr/local/sbin/sshd', '/opt/homebrew/sbin/sshd']

/** Path of OpenSSH's server. @throws Error when it is missing and `CI=true`. */
export function findSshd(): string | undefined {
  return requireInCi(PATHS.find(existsSync), 'sshd (Debian: openssh-server)')
}
