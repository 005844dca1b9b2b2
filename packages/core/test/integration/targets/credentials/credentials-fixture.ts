import { generateKeyPairSync, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { sql } from 'kysely'
import { systemClock } from '../../../../src/base/clock.js'
import { newId } from '../../../../src/base/ids.js'
import type { Database } from '../../../../src/db/database.js'
import { Journal } from '../../../../src/journal/journal.js'
import type { SystemActor } from '../../../../src/model/actor.js'
import type { CredentialId } from '../../../../src/model/ids.js'
import { CredentialSecrets } from '../../../../src/targets/credentials/credential-secrets.js'
import {
  type RotationOptions,
  rotateMasterKey,
} from '../../../../src/targets/credentials/rotate-master-key.js'
import { Keyring } from '../../../../src/vault/keyring.js'
import { Vault } from '../../../../src/vault/vault.js'
import type { DatabasePlace } from '../../../support/databases.js'
import type { KrownFixture } from '../../../support/krown-fixture.js'

export const newMasterKey = () => randomBytes(32).toString('base64')

export const keyIdOf = (masterKey: string) =>
  String(new Keyring({ masterKey, previousMasterKeys: [] }).mainId)

/** The secrets of a database as a process reads them that was given these keys. */
export function secretsWith(database: Database, masterKey: string, previousMasterKeys: string[] = []) {
  return new CredentialSecrets({
    database,
    vault: new Vault(new Keyring({ masterKey, previousMasterKeys })),
  })
}

export function secretsOf({ database, krown }: KrownFixture): CredentialSecrets {
  const { masterKey, previousMasterKeys } = krown.config.vault
  return secretsWith(database, masterKey, [...previousMasterKeys])
}

/** As `krown-server keys rotate` does, beside whatever else is open. */
export async function rotate(
  { database, krown }: KrownFixture,
  { to, previous, ...options }: RotationOptions & { to: string; previous: string[] },
): Promise<number> {
  const journal = new Journal({ database, clock: systemClock, newId })
  const keyring = new Keyring({ masterKey: to, previousMasterKeys: previous })
  const system: SystemActor = await krown.actors.system()
  return rotateMasterKey({ database, keyring, clock: systemClock, journal, system }, options)
}

/** How many are stored at once: they share their commits. */
const AT_ONCE = 50

/** Stores so many passwords; the password of each is its name. */
export async function storeMany({ admin }: KrownFixture, count: number): Promise<CredentialId[]> {
  const ids: CredentialId[] = []
  while (ids.length < count) {
    const names = Array.from(
      { length: Math.min(AT_ONCE, count - ids.length) },
      (_, i) => `stored ${ids.length + i}`,
    )
    const stored = names.map((name) => admin.credentials.create({ name, kind: 'password', password: name }))
    ids.push(...(await Promise.all(stored)).map(({ id }) => id))
  }
  return ids
}

/** How many secrets each key encrypts. */
export async function secretsByKey({ db }: KrownFixture): Promise<Record<string, number>> {
  const rows = await db.selectFrom('credentials').select('key_id').execute()
  const counts: Record<string, number> = {}
  for (const { key_id } of rows) counts[key_id] = (counts[key_id] ?? 0) + 1
  return counts
}

export function encryptedKey(passphrase: string): string {
  return generateKeyPairSync('rsa', {
    modulusLength: 2048,
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem', cipher: 'aes-256-cbc', passphrase },
  }).privateKey
}

/** Everything that the database holds: the files of SQLite, every row of PostgreSQL as text. */
export async function rawDatabase(place: DatabasePlace, { db }: Database): Promise<string> {
  if (place.kind === 'sqlite') {
    const directory = dirname(place.file)
    const files = (await readdir(directory)).filter((name) => name.startsWith('krown.db'))
    const contents = await Promise.all(files.map((name) => readFile(join(directory, name), 'latin1')))
    return contents.join('')
  }
  const { rows: tables } = await sql<{ name: string }>`
    select table_name as name from information_schema.tables where table_schema = ${place.schema}`.execute(db)
  const texts: string[] = []
  for (const { name } of tables) {
    const { rows } = await sql<{ row: string }>`
      select t::text as row from ${sql.id(place.schema, name)} t`.execute(db)
    texts.push(...rows.map(({ row }) => row))
  }
  return texts.join('\n')
}
