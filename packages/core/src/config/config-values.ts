import { z } from 'zod'
import { isHostName } from './host-name.js'
import { parseIpAddress, parseIpNetwork } from './ip-address.js'
import { masterKeyProblem } from './master-key.js'
import { parseNetworkRule } from './network-rule.js'
import { secretProblem } from './secret-strength.js'

const MAX_SECRET_LENGTH = 1_024

/** Text that `accepts`; anything else is answered with `message`, which says what is accepted. */
function textThat(accepts: (value: string) => boolean, message: string): z.ZodType<string, string> {
  return z.string({ error: message }).refine(accepts, message)
}

const orEmpty = (accepts: (value: string) => boolean) => (value: string) => value === '' || accepts(value)

function parseUrl(value: string): URL | undefined {
  return URL.canParse(value) ? new URL(value) : undefined
}

export const path = textThat((value) => !value.includes('\0'), 'must be a path')

export const givenPath = textThat((value) => value !== '' && !value.includes('\0'), 'must be a path')

export const listenHost = textThat(
  (value) => parseIpAddress(value) !== undefined || isHostName(value),
  'must be an address or a host name',
)

export const origin = textThat((value) => {
  const parsed = parseUrl(value)
  return parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.origin === value
}, 'must be an origin such as "https://console.example.com", without a path')

export const proxyNetwork = textThat((value) => {
  const network = parseIpNetwork(value)
  return network !== undefined && network.prefixLength > 0
}, 'must be the address or network of a proxy, such as "10.0.0.5" or "10.0.0.0/24"')

export const postgresUrl = textThat(
  orEmpty((value) => /^postgres(?:ql)?:$/.test(parseUrl(value)?.protocol ?? '')),
  'must be an address such as "postgres://krown@db.example.com/krown"',
)

export const schemaName = textThat(
  (value) => /^(?!pg_)[a-z_][a-z0-9_]{0,62}$/.test(value),
  'must be a PostgreSQL name: lower-case letters, digits, underscores; not starting with "pg_"',
)

export const outboundRule = textThat(
  (value) => parseNetworkRule(value) !== undefined,
  'must be a network, an address, a host name or "*.example.com", each optionally with ":port"',
)

function secretText(problemOf: (value: string) => string | null): z.ZodType<string, string> {
  return z.string({ error: 'must be text' }).superRefine((value, context) => {
    const message =
      value.length > MAX_SECRET_LENGTH
        ? `must have at most ${MAX_SECRET_LENGTH} characters`
        : problemOf(value)
    if (message !== null) context.addIssue({ code: 'custom', message })
  })
}

export const secret = secretText(secretProblem)

/** Empty means: not given. */
export const optionalSecret = secretText((value) => (value === '' ? null : secretProblem(value)))

export const masterKey = secretText(masterKeyProblem)

/** Empty means: not given. */
export const optionalMasterKey = secretText((value) => (value === '' ? null : masterKeyProblem(value)))
