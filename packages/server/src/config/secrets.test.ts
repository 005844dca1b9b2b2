import { randomBytes } from 'node:crypto'
import { chmodSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  createKrownFrom,
  type KrownConfigInput,
  neededMasterKeys,
  openKrownAdmin,
  parseConfig,
} from '@krown/core'
import { createTempDir } from '@krown/testkit/temp-dir'
import { describe, expect, test } from 'vitest'
import { problemsOf } from './config-problem.js'
import {
  checkMasterKey,
  checkTlsKey,
  removeSetupToken,
  withJwtSecret,
  withKnownMasterKey,
  withMasterKey,
  withSetupToken,
} from './secrets.js'

const SECRET = 'b1946ac92492d2347c6235b4d2611184'

function refusalOf(action: () => unknown) {
  try {
    action()
  } catch (error) {
    return problemsOf(error)
  }
  throw new Error('nothing was refused')
}

const problemsIn = (refused: Promise<unknown>) =>
  refused.then(() => {
    throw new Error('nothing was refused')
  }, problemsOf)

const modeOf = (file: string) => (statSync(file).mode & 0o777).toString(8)

const configOf = (dataDir: string, input: KrownConfigInput = {}) => parseConfig({ dataDir, ...input })

describe('the secret that signs tokens', () => {
  test('A32: is made in a file of mode 0600, of 256 random bits, and found again', async () => {
    await using dir = await createTempDir()
    const { jwtSecret } = withJwtSecret(configOf(dir.path)).auth
    expect(Buffer.from(jwtSecret, 'base64url')).toHaveLength(32)
    expect(readdirSync(dir.path)).toEqual(['jwt-secret'])
    expect(modeOf(join(dir.path, 'jwt-secret'))).toBe('600')
    expect(readFileSync(join(dir.path, 'jwt-secret'), 'utf8')).toBe(`${jwtSecret}\n`)
    expect(withJwtSecret(configOf(dir.path)).auth.jwtSecret).toBe(jwtSecret)
  })

  test('A32: differs from one installation to the next', async () => {
    await using one = await createTempDir()
    await using other = await createTempDir()
    expect(withJwtSecret(configOf(one.path)).auth.jwtSecret).not.toBe(
      withJwtSecret(configOf(other.path)).auth.jwtSecret,
    )
  })

  test('is the given one, and then no file is made', async () => {
    await using dir = await createTempDir()
    const config = configOf(dir.path, { auth: { jwtSecret: SECRET } })
    expect(withJwtSecret(config)).toBe(config)
    expect(readdirSync(dir.path)).toEqual([])
  })

  test('A32: must be given on PostgreSQL, where every process needs the same', async () => {
    await using dir = await createTempDir()
    const config = configOf(dir.path, { database: { url: 'postgres://krown@db/krown' } })
    expect(refusalOf(() => withJwtSecret(config))).toEqual([
      { path: 'auth.jwt_secret', message: 'must be given with PostgreSQL' },
    ])
    expect(readdirSync(dir.path)).toEqual([])
  })

  test.each([0o644, 0o640, 0o660, 0o604])('A32: a file of mode %o stops the start', async (mode) => {
    await using dir = await createTempDir()
    const file = join(dir.path, 'jwt-secret')
    withJwtSecret(configOf(dir.path))
    chmodSync(file, mode)
    expect(refusalOf(() => withJwtSecret(configOf(dir.path)))).toEqual([
      {
        path: 'auth.jwt_secret',
        message: `the file ${file} can be used by others than its owner; run chmod 600 on it`,
      },
    ])
  })

  test.each([
    ['', 'must have at least 32 bytes'],
    ['short', 'must have at least 32 bytes'],
    ['secret'.repeat(6), 'is a well-known value that anybody can guess'],
  ])('A32: a file with the weak secret %j stops the start and is left alone', async (content, reason) => {
    await using dir = await createTempDir()
    const file = join(dir.path, 'jwt-secret')
    writeFileSync(file, content, { mode: 0o600 })
    expect(refusalOf(() => withJwtSecret(configOf(dir.path)))).toEqual([
      { path: 'auth.jwt_secret', message: `the secret in ${file} ${reason}` },
    ])
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  test('cannot be made where there is no directory', async () => {
    await using dir = await createTempDir()
    const config = configOf(join(dir.path, 'absent'))
    expect(refusalOf(() => withJwtSecret(config))?.[0]?.message).toMatch(/cannot be written: ENOENT$/)
  })
})

describe('the master key', () => {
  test('is made in a file of mode 0600, of 256 random bits, and found again', async () => {
    await using dir = await createTempDir()
    const { masterKey } = (await withMasterKey(configOf(dir.path))).vault
    expect(Buffer.from(masterKey, 'base64url')).toHaveLength(32)
    expect(readdirSync(dir.path)).toEqual(['master-key'])
    expect(modeOf(join(dir.path, 'master-key'))).toBe('600')
    expect((await withMasterKey(configOf(dir.path))).vault.masterKey).toBe(masterKey)
    expect(withKnownMasterKey(configOf(dir.path)).vault.masterKey).toBe(masterKey)
    await using other = await createTempDir()
    expect(withKnownMasterKey(configOf(other.path)).vault.masterKey).toBe('')
    expect((await withMasterKey(configOf(other.path))).vault.masterKey).not.toBe(masterKey)
  })

  test('is the given one, and then no file is made', async () => {
    await using dir = await createTempDir()
    const config = configOf(dir.path, { vault: { masterKey: randomBytes(32).toString('hex') } })
    expect(await withMasterKey(config)).toBe(config)
    expect(readdirSync(dir.path)).toEqual([])
  })

  test('must be given on PostgreSQL, where every process needs the same', async () => {
    await using dir = await createTempDir()
    const config = configOf(dir.path, { database: { url: 'postgres://krown@db/krown' } })
    expect(await problemsIn(withMasterKey(config))).toEqual([
      { path: 'vault.master_key', message: 'must be given with PostgreSQL' },
    ])
  })

  test.each([0o644, 0o640])('A32: a file of mode %o stops the start', async (mode) => {
    await using dir = await createTempDir()
    await withMasterKey(configOf(dir.path))
    chmodSync(join(dir.path, 'master-key'), mode)
    expect((await problemsIn(withMasterKey(configOf(dir.path))))?.[0]).toMatchObject({
      path: 'vault.master_key',
      message: expect.stringContaining('can be used by others than its owner'),
    })
  })

  test.each([
    ['', 'must be exactly 32 random bytes'],
    ['a pass phrase that somebody thought up by himself', 'must be exactly 32 random bytes'],
    ['00'.repeat(32), 'is not random'],
  ])('a file with %j stops the start and is left alone', async (content, reason) => {
    await using dir = await createTempDir()
    const file = join(dir.path, 'master-key')
    writeFileSync(file, content, { mode: 0o600 })
    const [problem] = (await problemsIn(withMasterKey(configOf(dir.path)))) ?? []
    expect(problem?.message).toContain(`the secret in ${file} ${reason}`)
    expect(readFileSync(file, 'utf8')).toBe(content)
  })

  test('J10: is not made anew where the database knows one: the start says which and where it looked', async () => {
    await using dir = await createTempDir()
    const config = await withMasterKey(configOf(dir.path))
    await using krown = await createKrownFrom(config)
    await krown.close()
    const [id] = await neededMasterKeys(config)
    const file = join(dir.path, 'master-key')
    await checkMasterKey(configOf(dir.path))
    renameSync(file, `${file}.elsewhere`)
    for (const refused of [withMasterKey, checkMasterKey]) {
      const problems = await problemsIn(refused(configOf(dir.path)))
      expect(problems).toMatchObject([{ path: 'vault.master_key' }])
      expect(problems?.[0]?.message).toContain(`used with key ${id}, and the file ${file} is not there`)
    }
    expect(readdirSync(dir.path)).not.toContain('master-key')
    renameSync(`${file}.elsewhere`, file)
    expect((await withMasterKey(configOf(dir.path))).vault.masterKey).toBe(config.vault.masterKey)
  })

  test('is made beside a database that no key was used with yet', async () => {
    await using dir = await createTempDir()
    await using admin = await openKrownAdmin(configOf(dir.path))
    await admin.migrate()
    expect(await neededMasterKeys(configOf(dir.path))).toEqual([])
    await checkMasterKey(configOf(dir.path))
    expect(readdirSync(dir.path)).not.toContain('master-key')
    expect((await withMasterKey(configOf(dir.path))).vault.masterKey).toHaveLength(43)
  })
})

describe('the setup token', () => {
  test('is made in a file of mode 0600, and found again until it is taken away', async () => {
    await using dir = await createTempDir()
    const { config, file } = withSetupToken(configOf(dir.path))
    expect(file).toBe(join(dir.path, 'setup-token'))
    expect(modeOf(String(file))).toBe('600')
    expect(config.auth.setupToken).toHaveLength(43)
    expect(withSetupToken(configOf(dir.path)).config.auth.setupToken).toBe(config.auth.setupToken)
    removeSetupToken(config)
    expect(readdirSync(dir.path)).toEqual([])
    removeSetupToken(config)
  })

  test('is the given one, and then there is no file', async () => {
    await using dir = await createTempDir()
    const config = configOf(dir.path, { auth: { setupToken: SECRET } })
    expect(withSetupToken(config)).toEqual({ config, file: null, isNew: false })
    expect(readdirSync(dir.path)).toEqual([])
  })

  test('A32: a file that others can read stops the start', async () => {
    await using dir = await createTempDir()
    const { file } = withSetupToken(configOf(dir.path))
    chmodSync(String(file), 0o644)
    expect(refusalOf(() => withSetupToken(configOf(dir.path)))?.[0]).toMatchObject({
      path: 'auth.setup_token',
    })
  })
})

test('A32: a TLS key that others can read stops the start, one for a group does not', async () => {
  await using dir = await createTempDir()
  const tlsKey = join(dir.path, 'key.pem')
  const config = configOf(dir.path, { server: { tlsCert: 'cert.pem', tlsKey } })
  expect(refusalOf(() => checkTlsKey(config))?.[0]?.message).toMatch(/cannot be read: ENOENT$/)
  writeFileSync(tlsKey, 'PEM', { mode: 0o640 })
  checkTlsKey(config)
  chmodSync(tlsKey, 0o644)
  expect(refusalOf(() => checkTlsKey(config))?.[0]).toMatchObject({ path: 'server.tls_key' })
  checkTlsKey(configOf(dir.path))
})
