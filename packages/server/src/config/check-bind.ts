import { BlockList, isIP } from 'node:net'
import { type KrownConfig, validationError } from '@krown/core'

/**
 * Passwords and tokens must not cross a network in the clear by accident.
 *
 * @throws KrownError VALIDATION_FAILED — the host is not loopback, and neither TLS, nor a trusted proxy, nor
 * `server.allow_plain_http` is configured.
 */
export function checkBind({ server }: Pick<KrownConfig, 'server'>): void {
  const isProtected = server.tlsCert !== '' || server.trustProxy.length > 0 || server.allowPlainHttp
  if (isProtected || isLoopbackHost(server.host)) return
  const message =
    'other machines could reach this address over plain HTTP; set server.tls_cert and server.tls_key, or list the ' +
    'reverse proxy that does TLS in server.trust_proxy, or set server.allow_plain_http = true'
  throw validationError([{ path: 'server.host', message }], 'the configuration is not valid')
}

function isLoopbackHost(host: string): boolean {
  const family = isIP(host)
  if (family === 0) return host.toLowerCase() === 'localhost'
  const loopback = new BlockList()
  loopback.addSubnet('127.0.0.0', 8, 'ipv4')
  loopback.addAddress('::1', 'ipv6')
  return loopback.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
