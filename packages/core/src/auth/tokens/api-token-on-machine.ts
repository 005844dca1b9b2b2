import { parseInput } from '../../base/parse-input.js'
import type { Db } from '../../db/database.js'
import { findSignInCandidateAcrossOrgs } from '../../db/repositories/user.repository.js'
import { KrownError, notFound } from '../../errors/krown-error.js'
import {
  type CreateApiTokenInput,
  createApiTokenInputSchema,
  type NewApiToken,
} from '../../model/api-token.js'
import { usernameSchema } from '../../model/user.js'
import type { HomeOrg } from '../people/default-org.js'
import { foldUsername } from '../people/new-person.js'
import type { ApiTokenIssuer } from './api-token-issuer.js'

export type MachineTokenInput = CreateApiTokenInput & { username: string }

const inputSchema = createApiTokenInputSchema.extend({ username: usernameSchema })

/**
 * For somebody on the machine, who needs no account: makes an API token of that user.
 *
 * @throws KrownError NOT_FOUND for a name that no user has; CONFLICT when the user is disabled; VALIDATION_FAILED,
 * QUOTA_EXCEEDED.
 */
export async function createTokenOnMachine(
  { db, issuer, home }: { db: Db; issuer: ApiTokenIssuer; home: HomeOrg },
  given: MachineTokenInput,
): Promise<NewApiToken> {
  const { username, ...input } = parseInput(inputSchema, given)
  const user = await findSignInCandidateAcrossOrgs(db, foldUsername(username))
  if (!user) throw notFound('user')
  if (user.disabled) throw new KrownError('CONFLICT', 'the user is disabled')
  return issuer.issue({ ...home.system, orgId: user.orgId }, user, input)
}
