import { existsSync } from 'node:fs'
import { createIdentity } from './auth/create-identity.js'
import { MemoryLimitStore } from './auth/limits/memory-limit-store.js'
import { systemClock } from './base/clock.js'
import { newId } from './base/ids.js'
import { silentLogger } from './base/logger.js'
import type { KrownConfig } from './config/krown-config.js'
import { Journal } from './journal/journal.js'
import type { CreateApiTokenInput, NewApiToken } from './model/api-token.js'
import type { User } from './model/user.js'
import { openDatabase, sqliteFileOf } from './open-database.js'
import { openRecordingFolder } from './recordings/folder-recording-store.js'
import { forgetMasterKey } from './targets/credentials/forget-master-key.js'
import {
  describeMasterKeys,
  listNeededMasterKeys,
  type MasterKeyStatus,
} from './targets/credentials/master-keys.js'
import { type RotationOptions, rotateMasterKey } from './targets/credentials/rotate-master-key.js'
import { Keyring } from './vault/keyring.js'

/** What somebody on the machine may do to the database, also while a server has it open. */
export interface KrownAdmin extends AsyncDisposable {
  /** @throws KrownError UNAVAILABLE when the schema cannot be brought up to date. */
  migrate(): Promise<void>
  /** @throws KrownError CONFLICT when set-up is done; VALIDATION_FAILED. */
  createFirstAdmin(input: { username: string; password: string; email?: string }): Promise<User>
  /** Sets the password, ends every login and enables the user. @throws KrownError NOT_FOUND, VALIDATION_FAILED */
  resetPassword(input: { username: string; password: string }): Promise<User>
  /**
   * Makes an admin one of the instance as well, who sets audit scopes.
   *
   * @throws KrownError NOT_FOUND, VALIDATION_FAILED; CONFLICT when the user is not an admin, or is disabled.
   */
  grantInstanceAdmin(input: { username: string }): Promise<User>
  /**
   * Makes an API token of that user.
   *
   * @throws KrownError NOT_FOUND, VALIDATION_FAILED; CONFLICT when the user is disabled; QUOTA_EXCEEDED when it
   * has too many.
   */
  createToken(input: CreateApiTokenInput & { username: string }): Promise<NewApiToken>
  /** Every master key that the database or the configuration knows of. */
  masterKeys(): Promise<MasterKeyStatus[]>
  /**
   * Encrypts every stored secret with `vault.master_key`. Servers may run meanwhile if they were given both keys.
   *
   * @returns How many secrets were encrypted anew; what was interrupted goes on.
   * @throws KrownError VALIDATION_FAILED naming a key that is needed and was not given; CONFLICT when none was given or
   * another rotation took over; INTERNAL naming what cannot be decrypted.
   */
  rotateMasterKey(options?: RotationOptions): Promise<number>
  /**
   * Deletes the credentials that only a lost master key could decrypt; targets that used them have none afterwards.
   *
   * @returns How many there were.
   * @throws KrownError CONFLICT when the key was given, so that nothing is lost.
   */
  forgetMasterKey(id: string): Promise<number>
}

/**
 * The ids of the master keys without which nothing starts on that database: of the one for new secrets, and of those
 * that encrypt stored ones. None before the first start. Makes and migrates nothing.
 *
 * @throws KrownError UNAVAILABLE
 */
export async function neededMasterKeys(config: KrownConfig): Promise<string[]> {
  if (config.database.url === '' && !existsSync(sqliteFileOf(config))) return []
  await using database = await openDatabase({ config, logger: silentLogger, exclusive: false })
  return await listNeededMasterKeys(database.db)
}

/** Opens the database without the lock of a server, and starts nothing. */
export async function openKrownAdmin(config: KrownConfig): Promise<KrownAdmin> {
  const database = await openDatabase({ config, logger: silentLogger, exclusive: false })
  const journal = new Journal({ database, clock: systemClock, newId })
  const identity = async () => {
    await database.migrate(config.database.migrate)
    return createIdentity({
      database,
      journal,
      clock: systemClock,
      newId,
      // Whoever is on the machine is not counted.
      limitStore: new MemoryLimitStore({ clock: systemClock }),
      settings: config,
      setupToken: null,
      onUserChanged: () => {},
    })
  }
  return {
    migrate: () => database.migrate('auto'),
    createFirstAdmin: async (input) => (await identity()).createFirstAdmin(input),
    resetPassword: async (input) => (await identity()).resetPassword(input),
    grantInstanceAdmin: async (input) => (await identity()).grantInstanceAdmin(input),
    createToken: async (input) => (await identity()).createToken(input),
    masterKeys: async () => {
      await database.migrate(config.database.migrate)
      return describeMasterKeys({ database, keyring: new Keyring(config.vault) })
    },
    rotateMasterKey: async (options) => {
      const { home } = await identity()
      const keyring = new Keyring(config.vault)
      const { system } = home
      return rotateMasterKey({ database, keyring, clock: systemClock, journal, system }, options)
    },
    forgetMasterKey: async (id) => {
      const { systemActor } = await identity()
      const keyring = new Keyring(config.vault)
      const files = openRecordingFolder(config)
      return forgetMasterKey({ database, journal, keyring, files, clock: systemClock, systemActor }, id)
    },
    [Symbol.asyncDispose]: async () => {
      await journal.settle()
      await database[Symbol.asyncDispose]()
    },
  }
}
