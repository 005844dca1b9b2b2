import { chmodSync, mkdirSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { createTempDir } from '@krown/testkit/temp-dir'
import { describe, expect, test } from 'vitest'
import { problemsOf } from './config-problem.js'
import { loadConfig } from './load-config.js'

const SECRET = 'b1946ac92492d2347c6235b4d2611184'
const OTHER = '0f343b0931126a20f133d67c2b018a3b'

function loadProblems(options: Parameters<typeof loadConfig>[0]) {
  try {
    loadConfig(options)
  } catch (error) {
    return problemsOf(error)
  }
  throw new Error('the configuration was taken')
}

async function inTempDir(use: (dir: string) => void): Promise<void> {
  await using dir = await createTempDir()
  use(dir.path)
}

const write = (path: string, text: string | Uint8Array, mode = 0o600) => {
  writeFileSync(path, text, { mode })
  chmodSync(path, mode)
  return path
}

const fromEnv = (env: Record<string, string>) => loadConfig({ env }).config

describe('where a value comes from', () => {
  test('the environment beats the file, the file beats the default', () =>
    inTempDir((dir) => {
      const file = write(
        join(dir, 'krown.toml'),
        '[server]\nport = 9000\nhost = "::1"\n[ssh.outbound]\ndeny = ["10.0.0.0/8"]\n',
      )
      const { config, sources } = loadConfig({ file, env: { KROWN_SERVER__PORT: '9001' } })
      expect(config.server).toMatchObject({ port: 9_001, host: '::1', drainTimeout: 30_000 })
      expect(config.ssh.outbound.deny).toEqual(['10.0.0.0/8'])
      expect([...sources]).toEqual([
        ['server.host', file],
        ['server.port', 'KROWN_SERVER__PORT'],
        ['ssh.outbound.deny', file],
      ])
    }))

  test('an exact variable beats its file, its file beats the alias, the alias beats the configuration file', () =>
    inTempDir((dir) => {
      const ofFile = 'the secret of the configuration file, 1'
      const ofAlias = 'the secret of the well-known alias, 2'
      const file = write(join(dir, 'krown.toml'), `[auth]\njwt_secret = "${ofFile}"\n`)
      const secretFile = write(join(dir, 'secret'), `${SECRET}\n`)
      const steps = [
        { JWT_SECRET: ofAlias },
        { KROWN_AUTH__JWT_SECRET_FILE: secretFile },
        { KROWN_AUTH__JWT_SECRET: OTHER },
      ]
      const secrets = [0, 1, 2, 3].map((count) => {
        const env = Object.assign({}, ...steps.slice(0, count)) as Record<string, string>
        return loadConfig({ file, env }).config.auth.jwtSecret
      })
      expect(secrets).toEqual([ofFile, ofAlias, SECRET, OTHER])
    }))

  test('DATABASE_URL is the database, unless Krown’s own variable says otherwise', () => {
    const DATABASE_URL = 'postgres://krown@db.example.com/krown'
    expect(fromEnv({ DATABASE_URL }).database.url).toBe(DATABASE_URL)
    expect(fromEnv({ DATABASE_URL, KROWN_DATABASE__URL: 'postgres://other/krown' }).database.url).toBe(
      'postgres://other/krown',
    )
  })

  test('the variables of the client and of other programs are none of ours', () => {
    const env = {
      KROWN_URL: 'http://127.0.0.1',
      KROWN_TOKEN: 'x',
      PORT: '1',
      krown_server__port: '1',
      PATH: '/bin',
    }
    expect(loadConfig({ env }).sources.size).toBe(0)
  })
})

describe('a value of the environment', () => {
  test('has the type of its key', () => {
    expect(
      fromEnv({
        KROWN_SERVER__PORT: '0',
        KROWN_SERVER__ALLOW_PLAIN_HTTP: 'true',
        KROWN_SSH__OUTBOUND__ALLOW_LOOPBACK: 'false',
        KROWN_SSH__CONNECT_TIMEOUT: '3s',
        KROWN_LIMITS__BODY: '1MiB',
        KROWN_LOGGING__LEVEL: 'debug',
      }),
    ).toMatchObject({
      server: { port: 0, allowPlainHttp: true },
      ssh: { connectTimeout: 3_000, outbound: { allowLoopback: false } },
      limits: { body: 1_048_576 },
      logging: { level: 'debug' },
    })
  })

  test.each([
    ['10.0.0.0/8, *.example.com', ['10.0.0.0/8', '*.example.com']],
    ['["10.0.0.0/8", "*.example.com"]', ['10.0.0.0/8', '*.example.com']],
    ['[::1]:22,[2001:db8::/32]:22', ['[::1]:22', '[2001:db8::/32]:22']],
    ['[]', []],
    ['', []],
  ])('may be a list: %s', (text, list) => {
    expect(fromEnv({ KROWN_SSH__OUTBOUND__ALLOW: text }).ssh.outbound.allow).toEqual(list)
  })

  test.each([
    ['22,2200', [22, 2200]],
    ['[22, 2200]', [22, 2200]],
    ['', []],
  ])('may be a list of numbers: %s', (text, list) => {
    expect(fromEnv({ KROWN_SSH__OUTBOUND__ADHOC_PORTS: text }).ssh.outbound.adhocPorts).toEqual(list)
  })

  test('that does not fit is told with its key and its variable', () => {
    const env = {
      KROWN_SERVER__PORT: '80x',
      KROWN_SERVER__ALLOW_PLAIN_HTTP: 'yes',
      KROWN_SSH__CONNECT_TIMEOUT: '10',
      KROWN_SSH__OUTBOUND__ADHOC_PORTS: '22,ssh',
      KROWN_SSH__OUTBOUND__DENY: '["10.0.0.0/8", 5',
    }
    expect(loadProblems({ env })).toEqual([
      { path: 'KROWN_SSH__OUTBOUND__DENY', message: 'must be a JSON array, or elements separated by commas' },
      { path: 'server.port', message: 'must be a whole number from 0 to 65535 (from KROWN_SERVER__PORT)' },
      {
        path: 'server.allow_plain_http',
        message: 'must be true or false (from KROWN_SERVER__ALLOW_PLAIN_HTTP)',
      },
      {
        path: 'ssh.connect_timeout',
        message: 'must be a duration such as "30s", "5m" or "24h" (from KROWN_SSH__CONNECT_TIMEOUT)',
      },
      {
        path: 'ssh.outbound.adhoc_ports[1]',
        message: 'must be a whole number from 1 to 65535 (from KROWN_SSH__OUTBOUND__ADHOC_PORTS)',
      },
    ])
  })

  test.each(['KROWN_AUTH__JWT_SECRET', 'JWT_SECRET', 'KROWN_AUTH__SETUP_TOKEN', 'DATABASE_URL'])(
    'A32: %s that is set but empty is refused, for it was meant to be something',
    (name) => {
      expect(loadProblems({ env: { [name]: '' } })).toEqual([{ path: name, message: 'is set but empty' }])
    },
  )

  test('A32: a short or well-known secret is refused, whatever variable it is in', () => {
    expect(loadProblems({ env: { JWT_SECRET: 'secret' } })).toEqual([
      { path: 'auth.jwt_secret', message: 'must have at least 32 bytes (from JWT_SECRET)' },
    ])
    expect(loadProblems({ env: { KROWN_AUTH__JWT_SECRET: 'changeme'.repeat(8) } })).toEqual([
      {
        path: 'auth.jwt_secret',
        message: 'is a well-known value that anybody can guess (from KROWN_AUTH__JWT_SECRET)',
      },
    ])
  })

  test.each([
    ['KROWN_SERVER__PROT', 'is not known; did you mean KROWN_SERVER__PORT?'],
    ['KROWN_SERVER_PORT', 'is not known; did you mean KROWN_SERVER__PORT?'],
    ['KROWN_JWT_SECRET', 'is not known; did you mean KROWN_AUTH__JWT_SECRET?'],
    ['KROWN_SSH__OUTBOUND__ALOW', 'is not known; did you mean KROWN_SSH__OUTBOUND__ALLOW?'],
    ['KROWN_QQ', 'is not known'],
  ])('that no key has is refused: %s', (name, message) => {
    expect(loadProblems({ env: { [name]: 'x' } })).toEqual([{ path: name, message }])
  })
})

describe('a variable that names a file', () => {
  test.each([
    [`${SECRET}\n`, SECRET],
    [`${SECRET}\r\n`, SECRET],
    [SECRET, SECRET],
    [`${SECRET}\n\n`, `${SECRET}\n`],
  ])('gives the content without one newline at its end: %j', (content, secret) =>
    inTempDir((dir) => {
      const file = write(join(dir, 'secret'), content)
      expect(fromEnv({ KROWN_AUTH__JWT_SECRET_FILE: file }).auth.jwtSecret).toBe(secret)
    }),
  )

  test.each([0o644, 0o604, 0o602, 0o777])('A32: is refused when others can use the file, mode %o', (mode) =>
    inTempDir((dir) => {
      const file = write(join(dir, 'secret'), SECRET, mode)
      expect(loadProblems({ env: { KROWN_AUTH__JWT_SECRET_FILE: file } })).toEqual([
        {
          path: 'KROWN_AUTH__JWT_SECRET_FILE',
          message: `the file ${file} can be used by others than its owner; run chmod 600 on it`,
        },
      ])
    }),
  )

  test('may be readable by the group, as orchestrators mount them', () =>
    inTempDir((dir) => {
      const file = write(join(dir, 'secret'), SECRET, 0o440)
      expect(fromEnv({ KROWN_AUTH__JWT_SECRET_FILE: file }).auth.jwtSecret).toBe(SECRET)
    }))

  test('is refused when the file is absent, no regular file, or huge', () =>
    inTempDir((dir) => {
      mkdirSync(join(dir, 'directory'), { mode: 0o700 })
      write(join(dir, 'huge'), 'x'.repeat(70_000))
      const messages = ['absent', 'directory', 'huge'].map(
        (name) => loadProblems({ env: { KROWN_AUTH__JWT_SECRET_FILE: join(dir, name) } })?.[0]?.message,
      )
      expect(messages).toEqual([
        `the file ${dir}/absent cannot be read: ENOENT`,
        `the file ${dir}/directory is not a regular file`,
        `the file ${dir}/huge is larger than 65536 bytes`,
      ])
    }))

  test('is not opened when the exact variable is there', () => {
    const env = { KROWN_AUTH__JWT_SECRET: SECRET, KROWN_AUTH__JWT_SECRET_FILE: '/nonexistent' }
    expect(fromEnv(env).auth.jwtSecret).toBe(SECRET)
  })
})

describe('the configuration file', () => {
  test('is refused with line and column when it is no TOML, without the line, which may hold a secret', () =>
    inTempDir((dir) => {
      const file = write(join(dir, 'krown.toml'), '[auth]\njwt_secret = "hunter2\nport = 1\n')
      const problems = loadProblems({ file, env: {} })
      expect(problems).toEqual([{ path: file, message: expect.stringMatching(/^line 2, column \d+: /) }])
      expect(JSON.stringify(problems)).not.toContain('hunter2')
    }))

  test('is refused when it is absent or not UTF-8', () =>
    inTempDir((dir) => {
      const file = write(join(dir, 'krown.toml'), Buffer.from([0x61, 0x3d, 0x22, 0xff, 0x22]))
      expect(loadProblems({ file, env: {} })).toEqual([{ path: file, message: 'is not valid UTF-8' }])
      const absent = join(dir, 'absent.toml')
      expect(loadProblems({ file: absent, env: {} })).toEqual([
        { path: absent, message: 'cannot be read: ENOENT' },
      ])
    }))

  test('has its problems listed together with those of the environment', () =>
    inTempDir((dir) => {
      const file = write(join(dir, 'krown.toml'), 'ssh = 5\n[server]\nprot = 1\n[logging]\nlevel = "loud"\n')
      const env = { KROWN_SSH__MAX_SESSIONS: '5', KROWN_LIMITS__BODY: 'x', KROWN_NONSENSE__KEY: '1' }
      expect(loadProblems({ file, env })?.map(({ path }) => path)).toEqual([
        'KROWN_NONSENSE__KEY',
        'ssh',
        'server.prot',
        'limits.body',
        'logging.level',
      ])
    }))

  test('warns when it holds secrets and others can read it', () =>
    inTempDir((dir) => {
      const file = join(dir, 'krown.toml')
      const warningsFor = (text: string, mode: number) =>
        loadConfig({ file: write(file, text, mode), env: {} }).warnings
      expect(warningsFor(`[auth]\njwt_secret = "${SECRET}"\n`, 0o644)).toEqual([
        `${file} holds auth.jwt_secret and can be read by others; run chmod 600 on it`,
      ])
      expect(warningsFor(`[auth]\njwt_secret = "${SECRET}"\n`, 0o600)).toEqual([])
      expect(warningsFor('[auth]\njwt_secret = ""\n', 0o644)).toEqual([])
    }))
})

describe('a relative path', () => {
  test('is relative to the file, the default too', () =>
    inTempDir((dir) => {
      const file = write(join(dir, 'krown.toml'), '[logging]\nfile = "log/krown.log"\n')
      const { config } = loadConfig({ file, env: {} })
      expect(config).toMatchObject({
        dataDir: join(dir, 'data'),
        logging: { file: join(dir, 'log/krown.log') },
      })
      expect(config.server).toMatchObject({ tlsCert: '', tlsKey: '' })
    }))

  test('of the environment is relative to the working directory, and so is the default without a file', () =>
    inTempDir((dir) => {
      const file = write(join(dir, 'krown.toml'), '')
      expect(loadConfig({ file, env: { KROWN_DATA_DIR: 'state' } }).config.dataDir).toBe(resolve('state'))
      expect(loadConfig({ env: {} }).config.dataDir).toBe(resolve('data'))
    }))
})
