import { KrownError } from '../../errors/krown-error.js'
import type { OutboundRules } from './outbound-policy-rules.js'

/**
 * What is refused, said without the address that a name stands for.
 * `details.setting` is the key that would change it; absent when none does.
 */
function refusal(message: string, setting?: string): KrownError {
  return new KrownError(
    'TARGET_POLICY_DENIED',
    message,
    setting === undefined ? {} : { details: { setting } },
  )
}

export const neverReachable = () => refusal('this target is never allowed')

export const protectedEndpoint = () =>
  refusal("Krown's own ports and its database are never allowed as targets")

export const badPort = () => refusal('ports are from 1 to 65535')

export const adhocHost = () =>
  refusal(
    'sessions go to targets of the inventory only: name one, or set ssh.allow_adhoc_hosts = true',
    'ssh.allow_adhoc_hosts',
  )

/** @param allow The rules that an entry would be added to. */
export const gatewayItself = (allow: OutboundRules) =>
  refusal(
    'the target is the machine that Krown runs on; set ssh.outbound.allow_loopback = true, ' +
      `or add its exact address and port, such as "127.0.0.1:22", to ${addingTo(allow)}`,
    'ssh.outbound.allow_loopback',
  )

export const adhocPort = (port: number, allow: OutboundRules) =>
  refusal(
    `port ${port} is not allowed for hosts that are not in the inventory; add it to ssh.outbound.adhoc_ports, ` +
      `or the host with ":${port}" to ${addingTo(allow)}`,
    'ssh.outbound.adhoc_ports',
  )

/** The first entry refuses all that has none. */
const addingTo = (allow: OutboundRules) =>
  `ssh.outbound.allow${allow.isEmpty ? ' (which then must list every other target, too)' : ''}`

export const denied = () => refusal('the target is denied by ssh.outbound.deny', 'ssh.outbound.deny')

export const notAllowed = () =>
  refusal('the target is not in ssh.outbound.allow, which lists the only allowed ones', 'ssh.outbound.allow')
