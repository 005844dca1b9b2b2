import {
  configKeys,
  formatDuration,
  formatSize,
  isKrownError,
  type KrownConfig,
  parseConfig,
} from '@krown/core'
import fc from 'fast-check'
import { parse } from 'smol-toml'
import { expect, test } from 'vitest'
import { MASK, renderEffectiveConfig } from './effective-config.js'
import { renderCommentedConfig } from './write-config.js'

const SECRET = 'b1946ac92492d2347c6235b4d2611184'
const MASTER_KEY = 'BXkSpUTgF5cQrfPvM2mYz1h8sJd0aLwNeRtKiOuVxCE='
const NO_SOURCES = { sources: new Map<string, string>() }

const print = (config: KrownConfig) => renderEffectiveConfig({ config, ...NO_SOURCES })

test('the defaults are printed as a file that gives the defaults', () => {
  const text = print(parseConfig({}))
  expect(parseConfig(parse(text))).toEqual(parseConfig({}))
  expect(text).toMatch(/^data_dir = "\.\/data"\n\n\[server\]\nhost = "127\.0\.0\.1"\nport = 8080\n/)
  expect(text).toContain('command_timeout = "5m"')
  expect(text).toContain('[ssh.outbound]\nallow = []\n')
})

test('secrets are masked, and so is the password of the database', () => {
  const config = parseConfig({
    auth: { jwtSecret: SECRET, previousJwtSecrets: [SECRET, SECRET], setupToken: SECRET },
    vault: { masterKey: MASTER_KEY, previousMasterKeys: [MASTER_KEY] },
    database: { url: 'postgres://krown:hunter2@db.example.com/krown?password=hunter3&sslmode=require' },
  })
  const text = print(config)
  expect(text).not.toMatch(/b1946|hunter/)
  expect(text).not.toContain(MASTER_KEY)
  expect(text).toContain(`[vault]\nmaster_key = "${MASK}"\nprevious_master_keys = [ "${MASK}" ]`)
  expect(text).toContain(`jwt_secret = "${MASK}"`)
  expect(text).toContain(`previous_jwt_secrets = [ "${MASK}", "${MASK}" ]`)
  expect(text).toContain(`setup_token = "${MASK}"`)
  expect(text).toContain(
    `url = "postgres://krown:${MASK}@db.example.com/krown?password=${MASK}&sslmode=require"`,
  )
})

test('a secret that is not set is seen to be not set', () => {
  expect(print(parseConfig({}))).toMatch(/\njwt_secret = ""\nprevious_jwt_secrets = \[\]\n/)
})

test('what is not a default says where it came from, in one line', () => {
  const sources = new Map([
    ['server.port', 'KROWN_SERVER__PORT'],
    ['server.host', '/etc/evil\nport = 1\u001b[2J.toml'],
  ])
  const text = renderEffectiveConfig({ config: parseConfig({ server: { port: 9_000 } }), sources })
  expect(text).toContain(
    'host = "127.0.0.1" # /etc/evil?port = 1?[2J.toml\nport = 9000 # KROWN_SERVER__PORT\ncors_origins',
  )
})

const anyText = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .filter((text) => !text.includes('\0') && text.isWellFormed())
const rule = fc.oneof(
  fc.ipV4(),
  fc.ipV6().map((address) => `[${address}]:22`),
  fc.constantFrom('10.0.0.0/8', '*.example.com', '2001:db8::/32', 'host:2222'),
)
const byPath: Record<string, fc.Arbitrary<unknown>> = {
  'server.host': fc.oneof(fc.ipV4(), fc.ipV6(), fc.constant('localhost')),
  'server.cors_origins': fc.array(fc.constantFrom('https://a.example.com', 'http://localhost:3000')),
  'server.trust_proxy': fc.array(fc.ipV4()),
  'database.url': fc.constantFrom('', 'postgres://krown@db/krown', 'postgres://u:p%40@db:1/k?password=x'),
  'database.schema': fc.stringMatching(/^[a-oq-z_][a-z0-9_]{0,20}$/),
  'ssh.outbound.allow': fc.array(rule),
  'ssh.outbound.deny': fc.array(rule),
  'ssh.outbound.adhoc_ports': fc.array(fc.integer({ min: 1, max: 65_535 })),
  'auth.previous_jwt_secrets': fc.array(fc.constant(SECRET)),
  'auth.jwt_secret': fc.constantFrom('', SECRET),
  'auth.setup_token': fc.constantFrom('', SECRET),
  'vault.master_key': fc.constantFrom('', MASTER_KEY),
  'vault.previous_master_keys': fc.array(fc.constant(MASTER_KEY)),
  'server.tls_cert': anyText,
  'server.tls_key': anyText,
}

/** Any value that the key may have; what its range refuses is filtered out below. */
function anyValue(key: ReturnType<typeof configKeys>[number]): fc.Arbitrary<unknown> {
  const special = byPath[key.path]
  if (special !== undefined) return special
  if (key.kind === 'choice') return fc.constantFrom(...(key.choices ?? []))
  if (key.kind === 'boolean') return fc.boolean()
  if (key.kind === 'integer') return fc.integer({ min: 8, max: 256 })
  if (key.kind === 'duration') return fc.integer({ min: 1_000, max: 80_000_000 }).map(formatDuration)
  if (key.kind === 'size') return fc.integer({ min: 1_024, max: 60_000_000 }).map(formatSize)
  return anyText
}

function treeOf(values: Record<string, unknown>): Record<string, unknown> {
  const tree: Record<string, Record<string, unknown>> = {}
  for (const [path, value] of Object.entries(values)) {
    const names = path.split('.')
    const last = names.pop() ?? ''
    const table = names.reduce<Record<string, unknown>>((parent, name) => {
      parent[name] ??= {}
      return parent[name] as Record<string, unknown>
    }, tree)
    table[last] = value
  }
  return tree
}

function withoutSecrets(config: KrownConfig): unknown {
  const { url: _url, ...database } = config.database
  const { jwtSecret: _jwt, previousJwtSecrets: _previous, setupToken: _token, ...auth } = config.auth
  return { ...config, database, auth, vault: undefined }
}

test('any configuration is printed as a file that gives the same, secrets aside', () => {
  const anyTree = fc
    .record(Object.fromEntries(configKeys().map((key) => [key.path, anyValue(key)])))
    .map(treeOf)
  const parsed = (tree: unknown) => {
    try {
      return parseConfig(tree)
    } catch (error) {
      if (isKrownError(error)) return undefined
      throw error
    }
  }
  let compared = 0
  fc.assert(
    fc.property(anyTree, (tree) => {
      const config = parsed(tree)
      fc.pre(config !== undefined)
      if (config === undefined) return
      const printed = parse(print(config)) as Record<string, Record<string, unknown>>
      for (const name of ['jwt_secret', 'previous_jwt_secrets', 'setup_token']) delete printed.auth?.[name]
      delete printed.vault
      expect(withoutSecrets(parseConfig(printed))).toEqual(withoutSecrets(config))
      compared += 1
    }),
  )
  expect(compared).toBeGreaterThanOrEqual(100)
})

test('the file of init changes one key, and with every line in force gives the defaults of the others', () => {
  const text = renderCommentedConfig()
  const changed = parseConfig({ ssh: { allowAdhocHosts: false } })
  expect(parseConfig(parse(text))).toEqual(changed)
  const inForce = text.replaceAll(/^# (\w+ = .*)$/gm, '$1')
  const tree = parse(inForce)
  expect(parseConfig(tree)).toEqual(changed)
  const lines = inForce.split('\n').filter((line) => /^\w+ = /.test(line))
  expect(lines).toHaveLength(configKeys().length)
})
