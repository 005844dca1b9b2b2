import type { Algorithms, ServerConfig } from 'ssh2'
import type { AuthPolicy } from './auth-policy.js'
import type { ExecHandler, ShellHandler } from './hostile-context.js'
import type { ForwardHandler } from './hostile-forward.js'
import type { KeyPair } from './keys.js'

export interface HostileSshServerOptions {
  /** Default: one new ed25519 key. */
  hostKeys?: KeyPair[]
  algorithms?: ServerConfig['algorithms']
  /** Software version in the identification line. */
  ident?: string
  /** Shown before authentication. */
  banner?: string
  /** Default: the server's own `username` with its `password` or `privateKey`. */
  auth?: AuthPolicy
  /** Goes silent for ever: after NEWKEYS, at the first auth request, at a channel open, at an exec or shell request. */
  stallAt?: 'handshake' | 'auth' | 'channel' | 'exec'
  /** Session channels a connection may open over its life; more are refused. */
  maxChannels?: number
  onExec?: ExecHandler
  onShell?: ShellHandler
  /** What becomes of a request for a terminal; default: it is granted. `ignore` leaves it without an answer. */
  terminals?: 'grant' | 'refuse' | 'ignore'
  /** Default: local forwards are refused. */
  onForward?: ForwardHandler
}

/** What only old devices offer. Needs an rsa host key. */
export const WEAK_ALGORITHMS: Algorithms = {
  kex: ['diffie-hellman-group1-sha1'],
  serverHostKey: ['ssh-rsa'],
  cipher: ['3des-cbc'],
  hmac: ['hmac-sha1'],
}
