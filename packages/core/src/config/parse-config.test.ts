import { describe, expect, expectTypeOf, test } from 'vitest'
import type { z } from 'zod'
import { type FieldProblem, KrownError } from '../errors/krown-error.js'
import type { configSchema } from './config-schema.js'
import type { KrownConfig, KrownConfigInput } from './krown-config.js'
import { parseConfig } from './parse-config.js'

const SECRET = 'b1946ac92492d2347c6235b4d2611184'

function problemsOf(input: unknown): readonly FieldProblem[] {
  try {
    parseConfig(input)
  } catch (error) {
    if (!(error instanceof KrownError)) throw error
    expect(error.code).toBe('VALIDATION_FAILED')
    return error.details?.fields as FieldProblem[]
  }
  return []
}

const pathsOf = (input: unknown) => problemsOf(input).map(({ path }) => path)

test('without any key everything has its default', () => {
  expect(parseConfig({})).toEqual({
    dataDir: './data',
    server: {
      host: '127.0.0.1',
      port: 8080,
      corsOrigins: [],
      trustProxy: [],
      tlsCert: '',
      tlsKey: '',
      allowPlainHttp: false,
      drainTimeout: 30_000,
    },
    database: { url: '', poolSize: 10, schema: 'krown', migrate: 'auto' },
    ssh: {
      connectTimeout: 10_000,
      handshakeTimeout: 20_000,
      commandTimeout: 300_000,
      maxCommandTimeout: 86_400_000,
      idleTimeout: 1_800_000,
      keepaliveInterval: 15_000,
      maxSessionsPerUser: 20,
      maxSessionsPerOrg: 500,
      maxSessions: 5_000,
      maxSessionOpensPerMinute: 60,
      maxAdhocHostsPerHour: 60,
      maxChannelsPerSession: 8,
      hostKeyPolicy: 'accept-new',
      allowAdhocHosts: true,
      outbound: { allow: [], deny: [], allowLoopback: false, adhocPorts: [22, 2222] },
    },
    auth: {
      jwtSecret: '',
      previousJwtSecrets: [],
      accessTokenTtl: 600_000,
      refreshTokenTtl: 2_592_000_000,
      refreshIdleTtl: 604_800_000,
      registration: 'open',
      setupToken: '',
      passwordMinLength: 12,
    },
    vault: { masterKey: '', previousMasterKeys: [] },
    recordings: {
      mode: 'strict',
      dir: '',
      recordInput: false,
      maxSession: 1024 ** 3,
      maxTotal: 0,
      minFree: 500 * 1024 ** 2,
      retention: 90 * 86_400_000,
    },
    limits: {
      body: 262_144,
      execOutput: 1_048_576,
      loginFailuresPerAccount: 10,
      loginFailuresPerAddress: 30,
      registrationsPerAddress: 20,
      window: 900_000,
      requestsPerActor: 1_000,
      socketsPerUser: 20,
      socketsPerAddress: 50,
      subscriptionsPerSocket: 16,
    },
    logging: { level: 'info', format: 'pretty', file: '', rotateSize: 52_428_800, rotateKeep: 7 },
  })
})

test('a program writes TypeScript names, a file writes its own, and both mean the same', () => {
  const fromProgram: KrownConfigInput = {
    dataDir: '/srv/krown',
    ssh: { connectTimeout: '3s', outbound: { allow: ['127.0.0.1:40022'] } },
    limits: { execOutput: '2MiB' },
  }
  const fromFile = {
    data_dir: '/srv/krown',
    ssh: { connect_timeout: '3s', outbound: { allow: ['127.0.0.1:40022'] } },
    limits: { exec_output: '2MiB' },
  }
  expect(parseConfig(fromProgram)).toEqual(parseConfig(fromFile))
  expect(parseConfig(fromProgram)).toMatchObject({
    ssh: { connectTimeout: 3_000, outbound: { allow: ['127.0.0.1:40022'], adhocPorts: [22, 2222] } },
    limits: { execOutput: 2_097_152 },
  })
})

test('the written types are those of the schema', () => {
  expectTypeOf<z.output<typeof configSchema>>().toExtend<KrownConfig>()
  expectTypeOf<KrownConfigInput>().toExtend<Readonlyless<z.input<typeof configSchema>>>()
})

/** The schema's input takes mutable lists; a caller may hand over readonly ones. */
type Readonlyless<Value> = Value extends readonly (infer Element)[]
  ? readonly Element[]
  : Value extends object
    ? { [Key in keyof Value]: Readonlyless<Value[Key]> }
    : Value

describe('problems', () => {
  test('are listed all at once, with the path of the file', () => {
    const problems = problemsOf({
      server: { port: 70_000, tls_cert: 'cert.pem' },
      ssh: { connectTimeout: 'soon', outbound: { allow: ['10.0.0.0/8', 'not a host'] } },
      auth: { registration: 'maybe', passwordMinLength: 'twelve' },
      colour: 'red',
    })
    expect(problems).toEqual([
      { path: 'colour', message: 'is not known' },
      { path: 'server.port', message: 'must be a whole number from 0 to 65535' },
      { path: 'server.tls_cert', message: 'must be given together with server.tls_key, or neither' },
      { path: 'ssh.connect_timeout', message: 'must be a duration such as "30s", "5m" or "24h"' },
      {
        path: 'ssh.outbound.allow[1]',
        message:
          'must be a network, an address, a host name or "*.example.com", each optionally with ":port"',
      },
      { path: 'auth.registration', message: 'must be one of "open", "invite", "closed"' },
      { path: 'auth.password_min_length', message: 'must be a whole number from 8 to 256' },
    ])
  })

  test.each([
    [{ ssh: { conect_timeout: '3s' } }, 'ssh.conect_timeout', 'ssh.connect_timeout'],
    [{ ssh: { maxSession: 3 } }, 'ssh.maxSession', 'ssh.max_sessions'],
    [{ connect_timeout: '3s' }, 'connect_timeout', 'ssh.connect_timeout'],
    [{ allow_loopback: true }, 'allow_loopback', 'ssh.outbound.allow_loopback'],
    [{ ssh: { outbond: {} } }, 'ssh.outbond', 'ssh.outbound'],
    [{ Server: {} }, 'Server', 'server'],
  ])('an unknown key is told with the one that was probably meant: %j', (input, path, meant) => {
    expect(problemsOf(input)).toEqual([{ path, message: `is not known; did you mean ${meant}?` }])
  })

  test('a key in both spellings is refused', () => {
    expect(problemsOf({ ssh: { maxSessions: 5, max_sessions: 6 } })).toEqual([
      { path: 'ssh.max_sessions', message: 'is given twice' },
    ])
  })

  test('a number without a unit is refused for durations and sizes', () => {
    expect(pathsOf({ ssh: { connect_timeout: 10 }, limits: { body: 1_024 } })).toEqual([
      'ssh.connect_timeout',
      'limits.body',
    ])
    expect(pathsOf({ ssh: { connect_timeout: '10' }, limits: { body: '1024' } })).toHaveLength(2)
  })

  test('a timeout longer than timers can wait is refused', () => {
    expect(pathsOf({ ssh: { idle_timeout: '25d' } })).toEqual(['ssh.idle_timeout'])
  })

  test('keys that contradict each other are told together with other mistakes in the table', () => {
    expect(
      pathsOf({ ssh: { command_timeout: '2h', max_command_timeout: '1h', max_sessions: 0 } }).sort(),
    ).toEqual(['ssh.command_timeout', 'ssh.max_sessions'])
    expect(pathsOf({ auth: { refresh_token_ttl: '1d' } })).toEqual(['auth.refresh_idle_ttl'])
  })

  test.each([
    null,
    [],
    'x',
    5,
    { ssh: 5 },
    { ssh: [] },
    { ssh: null },
    { ssh: new Date(0) },
    { server: { port: null } },
    JSON.parse('{"__proto__": {"port": 1}}'),
    { constructor: {} },
  ])('what is no tree of tables is refused: %j', (input) => {
    expect(problemsOf(input).length).toBeGreaterThan(0)
  })

  test('never repeat a value, which may be a secret', () => {
    const problems = problemsOf({
      auth: { jwtSecret: 'hunter2', setupToken: 12345 },
      database: { url: 'mysql://u:hunter2@h' },
    })
    expect(problems.map(({ path }) => path)).toEqual(['database.url', 'auth.jwt_secret', 'auth.setup_token'])
    expect(JSON.stringify(problems)).not.toMatch(/hunter2|12345/)
  })
})

describe('values', () => {
  test.each(['127.0.0.1', '::1', '0.0.0.0', '::', 'localhost', 'gateway.example.com'])(
    'host %s is taken',
    (host) => {
      expect(parseConfig({ server: { host } }).server.host).toBe(host)
    },
  )

  test.each(['', '0x7f.1', '127.1', 'http://localhost', 'a b', 'localhost:80', '[::1]'])(
    'host %j is refused',
    (host) => {
      expect(pathsOf({ server: { host } })).toEqual(['server.host'])
    },
  )

  test.each(['https://a.example.com', 'http://localhost:3000'])('origin %s is taken', (origin) => {
    expect(parseConfig({ server: { corsOrigins: [origin] } }).server.corsOrigins).toEqual([origin])
  })

  test.each([
    '*',
    'null',
    'https://a.example.com/',
    'https://A.example.com',
    'https://u@a.example.com',
    'ftp://a',
    'a.b',
  ])('origin %s is refused', (origin) => {
    expect(pathsOf({ server: { corsOrigins: [origin] } })).toEqual(['server.cors_origins[0]'])
  })

  test.each([
    'loopback',
    '0.0.0.0/0',
    '::/0',
    '::ffff:10.0.0.0/104',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/8/8',
    '10.0.0',
  ])('A23: proxy %s is refused, for it would trust more than it says', (proxy) => {
    expect(pathsOf({ server: { trustProxy: [proxy] } })).toEqual(['server.trust_proxy[0]'])
  })

  test.each(['postgres://krown:pw@db.example.com:5432/krown', 'postgresql:///krown?host=/run/postgresql'])(
    'database %s is taken',
    (url) => {
      expect(parseConfig({ database: { url } }).database.url).toBe(url)
    },
  )

  test.each(['mysql://db/krown', 'db.example.com', 'sqlite:krown.db'])('database %s is refused', (url) => {
    expect(pathsOf({ database: { url } })).toEqual(['database.url'])
  })

  test.each(['Krown', 'pg_krown', 'a-b', '', 'a"b', 'x'.repeat(64)])(
    'database schema %j is refused',
    (schema) => {
      expect(pathsOf({ database: { schema } })).toEqual(['database.schema'])
    },
  )

  test('a secret of 32 bytes is taken', () => {
    const config = parseConfig({
      auth: { jwtSecret: SECRET, previousJwtSecrets: [SECRET], setupToken: SECRET },
    })
    expect(config.auth).toMatchObject({ jwtSecret: SECRET, previousJwtSecrets: [SECRET], setupToken: SECRET })
  })

  test.each([
    'short',
    'x'.repeat(31),
    'changeme'.repeat(4),
    'secret-'.repeat(8),
    '0'.repeat(64),
    'a-string-secret-at-least-256-bits-long',
    'super-secret-jwt-token-with-at-least-32-characters-long',
    'x'.repeat(1_025),
  ])('A32: a short, boundless or well-known secret is refused: %s', (secret) => {
    const input = { auth: { jwtSecret: secret, previousJwtSecrets: [secret], setupToken: secret } }
    expect(pathsOf(input)).toEqual(['auth.jwt_secret', 'auth.previous_jwt_secrets[0]', 'auth.setup_token'])
  })

  test('A32: the refusal of a secret says why', () => {
    expect(problemsOf({ auth: { jwtSecret: 'short', setupToken: 'changeme'.repeat(4) } })).toEqual([
      { path: 'auth.jwt_secret', message: 'must have at least 32 bytes' },
      { path: 'auth.setup_token', message: 'is a well-known value that anybody can guess' },
    ])
  })

  test('a master key is 32 bytes, and a mistake in one does not repeat it', () => {
    const masterKey = 'BXkSpUTgF5cQrfPvM2mYz1h8sJd0aLwNeRtKiOuVxCE='
    const vault = { masterKey, previousMasterKeys: [masterKey] }
    expect(parseConfig({ vault }).vault).toEqual(vault)
    const wrong = { vault: { masterKey: `${masterKey}x`, previousMasterKeys: ['short'] } }
    expect(pathsOf(wrong)).toEqual(['vault.master_key', 'vault.previous_master_keys[0]'])
    expect(JSON.stringify(problemsOf(wrong))).not.toMatch(/BXkSp|short/)
  })
})
