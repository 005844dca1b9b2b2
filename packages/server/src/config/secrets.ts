import { randomBytes } from 'node:crypto'
import { existsSync, linkSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import {
  type KrownConfig,
  masterKeyProblem,
  neededMasterKeys,
  secretProblem,
  validationError,
} from '@krown/core'
import { systemReason } from './config-problem.js'
import { readPrivateFile } from './private-file.js'

const JWT_SECRET_FILE = 'jwt-secret'
const SETUP_TOKEN_FILE = 'setup-token'
const MASTER_KEY_FILE = 'master-key'
const MASTER_KEY_PATH = 'vault.master_key'

/** 256 bits, 43 characters: also what a master key looks like. */
const newSecret = () => randomBytes(32).toString('base64url')

/** A secret that is made where none was given. */
interface Generated {
  /** Its key in the configuration. */
  readonly path: string
  readonly file: string
  /** Null when it is good. */
  problemOf(secret: string): string | null
}

/**
 * The configuration with a secret to sign tokens: the given one, else that of `jwt-secret` in the data directory,
 * which is made when it does not exist. The data directory must exist.
 *
 * @throws KrownError VALIDATION_FAILED — on PostgreSQL it must be given, because every process needs the same;
 * or the file can be read by others, or its secret is short or well known.
 */
export function withJwtSecret(config: KrownConfig): KrownConfig {
  if (config.auth.jwtSecret !== '') return config
  if (config.database.url !== '') throw invalidSecret('auth.jwt_secret', 'must be given with PostgreSQL')
  const file = join(config.dataDir, JWT_SECRET_FILE)
  const jwtSecret = generatedSecret({ path: 'auth.jwt_secret', file, problemOf: secretProblem })
  return { ...config, auth: { ...config.auth, jwtSecret } }
}

/**
 * The configuration with a key to encrypt stored secrets: the given one, else that of `master-key` in the data
 * directory, which is made when there was none before. It is never taken away, and no other is made in its place:
 * nothing else reads what it encrypted.
 *
 * @throws KrownError VALIDATION_FAILED — on PostgreSQL it must be given, because every process needs the same;
 * or the file can be read by others, or holds no master key, or is not there although the database names one.
 */
export async function withMasterKey(config: KrownConfig): Promise<KrownConfig> {
  requireMasterKeyOnPostgres(config)
  const known = withKnownMasterKey(config)
  if (known.vault.masterKey !== '') return known
  await requireNoMasterKeyBefore(config)
  createSecret(MASTER_KEY_PATH, masterKeyFile(config))
  return withKnownMasterKey(config)
}

/**
 * The same, but without a key where there is none.
 *
 * @throws KrownError VALIDATION_FAILED — the file can be read by others, or holds no master key.
 */
export function withKnownMasterKey(config: KrownConfig): KrownConfig {
  const file = masterKeyFile(config)
  if (config.vault.masterKey !== '' || config.database.url !== '' || !existsSync(file)) return config
  const masterKey = readSecret({ path: MASTER_KEY_PATH, file, problemOf: masterKeyProblem })
  return { ...config, vault: { ...config.vault, masterKey } }
}

/**
 * As `withMasterKey`, but makes none: on SQLite a missing one is made at start, if there was none before.
 *
 * @throws KrownError as `withMasterKey`
 */
export async function checkMasterKey(config: KrownConfig): Promise<void> {
  requireMasterKeyOnPostgres(config)
  if (withKnownMasterKey(config).vault.masterKey === '') await requireNoMasterKeyBefore(config)
}

/** @throws KrownError VALIDATION_FAILED */
function requireMasterKeyOnPostgres({ vault, database }: KrownConfig): void {
  if (vault.masterKey !== '' || database.url === '') return
  throw invalidSecret(MASTER_KEY_PATH, 'must be given with PostgreSQL')
}

function masterKeyFile({ dataDir }: KrownConfig): string {
  return join(dataDir, MASTER_KEY_FILE)
}

async function requireNoMasterKeyBefore(config: KrownConfig): Promise<void> {
  const needed = await neededMasterKeys(config)
  if (needed.length === 0) return
  const keys = `key${needed.length === 1 ? '' : 's'} ${needed.join(', ')}`
  const message = `the database was used with ${keys}, and the file ${masterKeyFile(config)} is not there: put it back, or give the key; another one would read none of the stored secrets`
  throw invalidSecret(MASTER_KEY_PATH, message)
}

export interface WithSetupToken {
  readonly config: KrownConfig
  /** Where the token can be read; null when it was given. */
  readonly file: string | null
  /** It was made now. */
  readonly isNew: boolean
}

/**
 * The configuration with a token for the first administrator, for a server that has none yet: the given one, else
 * that of `setup-token` in the data directory, which is made when it does not exist.
 *
 * @throws KrownError VALIDATION_FAILED — the file can be read by others, or its token is short or well known.
 */
export function withSetupToken(config: KrownConfig): WithSetupToken {
  if (config.auth.setupToken !== '') return { config, file: null, isNew: false }
  const file = join(config.dataDir, SETUP_TOKEN_FILE)
  const isNew = !existsSync(file)
  const setupToken = generatedSecret({ path: 'auth.setup_token', file, problemOf: secretProblem })
  return { config: { ...config, auth: { ...config.auth, setupToken } }, file, isNew }
}

/** Takes the generated token away once there is an administrator; nothing happens when there is none. */
export function removeSetupToken({ dataDir }: Pick<KrownConfig, 'dataDir'>): void {
  rmSync(join(dataDir, SETUP_TOKEN_FILE), { force: true })
}

/**
 * @throws KrownError VALIDATION_FAILED — the private key of the server cannot be read, or others can read it.
 */
export function checkTlsKey({ server }: Pick<KrownConfig, 'server'>): void {
  if (server.tlsKey === '') return
  const read = readPrivateFile(server.tlsKey, 'group')
  if ('problem' in read) throw invalidSecret('server.tls_key', read.problem)
}

function generatedSecret(secret: Generated): string {
  if (!existsSync(secret.file)) createSecret(secret.path, secret.file)
  return readSecret(secret)
}

function readSecret({ path, file, problemOf }: Generated): string {
  const read = readPrivateFile(file, 'owner')
  if ('problem' in read) throw invalidSecret(path, read.problem)
  const problem = problemOf(read.text)
  if (problem !== null) throw invalidSecret(path, `the secret in ${file} ${problem}`)
  return read.text
}

/** The file appears complete or not at all, and never replaces one: two processes agree on the first. */
function createSecret(path: string, file: string): void {
  const draft = `${file}.${randomBytes(8).toString('hex')}`
  try {
    writeFileSync(draft, `${newSecret()}\n`, { mode: 0o600, flag: 'wx', flush: true })
    linkSync(draft, file)
  } catch (error) {
    const reason = systemReason(error)
    if (reason !== 'EEXIST') throw invalidSecret(path, `the file ${file} cannot be written: ${reason}`)
  } finally {
    rmSync(draft, { force: true })
  }
}

function invalidSecret(path: string, message: string) {
  return validationError([{ path, message }], 'a secret is not usable')
}
