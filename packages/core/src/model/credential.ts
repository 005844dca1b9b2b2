import { z } from 'zod'
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
export type CredentialSecret =
  | { kind: 'password'; password: string }
  /** `privateKey` in OpenSSH or PEM form, with its passphrase if it has one. */
  | { kind: 'private_key'; privateKey: string; passphrase?: string | undefined }

/** What `credentials.create` takes. */
export type CreateCredentialInput = CredentialSecret & { name: string }

const credentialName = nameText(100)

export const createCredentialInputSchema = z.discriminatedUnion('kind', [
  z.strictObject({ name: credentialName, kind: z.literal('password'), password: passwordSchema }),
  z.strictObject({
    name: credentialName,
    kind: z.literal('private_key'),
    privateKey: privateKeySchema,
    passphrase: passphraseSchema.optional(),
  }),
]) satisfies z.ZodType<CreateCredentialInput>

/** What `credentials.update` takes: another name, or another secret of the same kind, or both. */
export interface UpdateCredentialInput {
  name?: string | undefined
  password?: string | undefined
  privateKey?: string | undefined
  /** Only with `privateKey`. */
  passphrase?: string | undefined
}

export const updateCredentialInputShape = {
  name: credentialName.optional(),
  password: passwordSchema.optional(),
  privateKey: privateKeySchema.optional(),
  passphrase: passphraseSchema.optional(),
}

export const updateCredentialInputSchema = z.strictObject(
  updateCredentialInputShape,
) satisfies z.ZodType<UpdateCredentialInput>

export const credentialQuerySchema = z.strictObject({ ...pageQueryShape }) satisfies z.ZodType<PageQuery>

export const credentialPageSchema = pageOf(credentialSchema) satisfies z.ZodType<Page<Credential>>
