import { z } from 'zod'
import type { Clock } from '../../base/clock.js'
import type { NewId } from '../../base/ids.js'
import type { Trx } from '../../db/database.js'
import { isUniqueViolation } from '../../db/db-errors.js'
import { insertMembership } from '../../db/repositories/membership.repository.js'
import { findMember, insertUser } from '../../db/repositories/user.repository.js'
import { KrownError } from '../../errors/krown-error.js'
import type { OrgId, UserId } from '../../model/ids.js'
import { emailSchema, newPasswordSchema, type Role, type User, usernameSchema } from '../../model/user.js'
import type { Passwords } from '../passwords/passwords.js'

export interface PersonInput {
  readonly username: string
  readonly password: string
  readonly email?: string | undefined
}

export const personInputSchema = z.strictObject({
  username: usernameSchema,
  password: newPasswordSchema,
  email: emailSchema.optional(),
}) satisfies z.ZodType<PersonInput>

/** A user who is not stored yet. */
export interface NewPerson {
  readonly id: UserId
  readonly username: string
  readonly email: string | null
  readonly passwordHash: string
  readonly createdAt: number
}

export interface NewPeopleDeps {
  readonly passwords: Passwords
  readonly clock: Clock
  readonly newId: NewId
}

/** Prepares users with a password; every way of making one goes through here. */
export class NewPeople {
  readonly #deps: NewPeopleDeps

  constructor(deps: NewPeopleDeps) {
    this.#deps = deps
  }

  /**
   * Everything slow, before the transaction.
   *
   * @param clientIp Whose share of the waiting line the hash takes; null is not counted.
   * @throws KrownError VALIDATION_FAILED, UNAVAILABLE, RATE_LIMITED
   */
  async prepare(input: PersonInput, clientIp: string | null): Promise<NewPerson> {
    const { passwords, clock, newId } = this.#deps
    const username = foldUsername(input.username)
    const passwordHash = await passwords.hashNew({ username, password: input.password }, clientIp)
    return { id: newId(), username, email: input.email ?? null, passwordHash, createdAt: clock.now() }
  }
}

/** @throws KrownError CONFLICT when the name is taken. */
export async function insertPerson(
  trx: Trx,
  orgId: OrgId,
  { person, role, isInstanceAdmin = false }: { person: NewPerson; role: Role; isInstanceAdmin?: boolean },
): Promise<User> {
  const { id, username, email, passwordHash, createdAt } = person
  await conflictIfTaken('the user name is taken', () =>
    insertUser(trx, orgId, {
      id,
      username,
      display_name: username,
      email,
      password_hash: passwordHash,
      is_instance_admin: isInstanceAdmin ? 1 : 0,
      token_version: 0,
      created_at: createdAt,
    }),
  )
  await insertMembership(trx, orgId, { userId: id, role, createdAt })
  const user = await findMember(trx, orgId, id)
  if (!user) throw new Error('a user that was just inserted is not there')
  return user
}

/** @throws KrownError CONFLICT with that message when the insert meets a row with its key. */
export async function conflictIfTaken(message: string, insert: () => Promise<void>): Promise<void> {
  try {
    await insert()
  } catch (error) {
    throw isUniqueViolation(error) ? new KrownError('CONFLICT', message, { cause: error }) : error
  }
}

/** User names are compared and stored in lower case; they are ASCII. */
export function foldUsername(username: string): string {
  return username.toLowerCase()
}
