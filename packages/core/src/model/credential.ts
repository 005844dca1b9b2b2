import { z } from 'zod'
import type { FieldProblem } from '../errors/krown-error.js'
import type { CredentialId, OrgId } from './ids.js'
import { credentialIdSchema, orgIdSchema } from './ids-schema.js'
import { type Page, type PageQuery, pageOf, pageQueryShape } from './page.js'
import { passphraseSchema, passwordSchema, privateKeySchema } from './session.js'
import { nameText } from './text.js'

export const CREDENTIAL_KINDS = ['password', 'private_key'] as const
/** What a credential is. */
export type CredentialKind = (typeof CREDENTIAL_KINDS)[number]

/** A stored secret for targets; the secret itself is never told again. Times are ISO 8601 in UTC. */
export interface Credential {
  id: CredentialId
  orgId: OrgId
  /** Unique in the organization. */
  name: string
  kind: CredentialKind
  /** Of the public key, `SHA256:…`; null for a password. */
  fingerprint: string | null
  createdAt: string
  updatedAt: string
}

export const credentialSchema = z
  .object({
    id: credentialIdSchema,
    orgId: orgIdSchema,
    name: z.string(),
    kind: z.enum(CREDENTIAL_KINDS),
    fingerprint: z.string().nullable(),
    createdAt: z.string(),
    updatedAt: z.string(),
  })
  .meta({ id: 'Credential' }) satisfies z.ZodType<Credential>

/** A secret as it is given. */
export interface CredentialSecretInput {
  /** Of kind `password`. */
  password?: string | undefined
  /** Of kind `private_key`, in OpenSSH or PEM form. */
  privateKey?: string | undefined
  /** Of an encrypted `privateKey`. */
  passphrase?: string | undefined
}

/** What `credentials.create` takes: the secret that `kind` says. */
export interface CreateCredentialInput extends CredentialSecretInput {
  /** Unique in the organization; at most 100 characters. */
  name: string
  kind: CredentialKind
}

/** What `credentials.update` takes: another name, or another secret of the same kind, or both. */
export interface UpdateCredentialInput extends CredentialSecretInput {
  name?: string | undefined
}

const credentialName = nameText(100)

const secretShape = {
  password: passwordSchema.optional(),
  privateKey: privateKeySchema.optional(),
  passphrase: passphraseSchema.optional(),
}

/** Fields of a secret that do not fit its kind, or are missing beside others. */
export function credentialSecretProblems(kind: CredentialKind, given: CredentialSecretInput): FieldProblem[] {
  const { password, privateKey, passphrase } = given
  const [noun, strange] =
    kind === 'password' ? ['a password', { privateKey, passphrase }] : ['a private key', { password }]
  const problems = Object.entries(strange)
    .filter(([, value]) => value !== undefined)
    .map(([path]) => ({ path, message: `must not be given: the credential is ${noun}` }))
  if (kind === 'private_key' && passphrase !== undefined && privateKey === undefined) {
    problems.push({ path: 'passphrase', message: 'must be given together with privateKey' })
  }
  return problems
}

export const createCredentialInputSchema = z
  .strictObject({ name: credentialName, kind: z.enum(CREDENTIAL_KINDS), ...secretShape })
  .superRefine(({ kind, ...given }, context) => {
    const secret = kind === 'password' ? 'password' : 'privateKey'
    const missing = given[secret] === undefined ? [{ path: secret, message: 'is required' }] : []
    for (const { path, message } of [...missing, ...credentialSecretProblems(kind, given)]) {
      context.addIssue({ code: 'custom', path: [path], message })
    }
  }) satisfies z.ZodType<CreateCredentialInput>

export const updateCredentialInputShape = { name: credentialName.optional(), ...secretShape }

export const updateCredentialInputSchema = z.strictObject(
  updateCredentialInputShape,
) satisfies z.ZodType<UpdateCredentialInput>

/** Filters of `credentials.list`; default: all of the organization. */
export interface CredentialQuery extends PageQuery {
  /** The whole name, as it is written. */
  name?: string | undefined
}

export const credentialQuerySchema = z.strictObject({
  name: credentialName.optional(),
  ...pageQueryShape,
}) satisfies z.ZodType<CredentialQuery>

export const credentialPageSchema = pageOf(credentialSchema) satisfies z.ZodType<Page<Credential>>
