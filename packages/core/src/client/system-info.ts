import { version } from '../../package.json'
import type { KrownConfig } from '../config/krown-config.js'
import type { SystemInfo } from '../model/system.js'
import { MAX_COMMAND_BYTES } from '../sessions/commands/command-requests.js'

const MAX_PAGE = 200
const CAPABILITIES = ['sessions', 'commands', 'journal', 'users', 'tokens', 'targets']

/** What anybody may know about this Krown. */
export function describeSystem(config: KrownConfig, setupRequired: boolean): SystemInfo {
  return {
    version,
    capabilities: [...CAPABILITIES, ...(config.ssh.allowAdhocHosts ? ['adhoc_hosts'] : [])],
    loginMethods: ['password'],
    registration: config.auth.registration,
    setupRequired,
    limits: {
      commandBytes: MAX_COMMAND_BYTES,
      execOutputBytes: config.limits.execOutput,
      maxCommandTimeoutMs: config.ssh.maxCommandTimeout,
      pageLimit: MAX_PAGE,
    },
  }
}
