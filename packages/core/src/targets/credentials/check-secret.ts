import { type FieldProblem, isKrownError, validationError } from '../../errors/krown-error.js'
import {
  type CredentialKind,
  type CredentialSecretInput,
  credentialSecretProblems,
} from '../../model/credential.js'
import type { SessionAuth } from '../../model/session.js'
import { fingerprint } from '../../ssh/fingerprint.js'
import type { PrivateKeyReader } from '../../ssh/private-key.js'

/** A secret that a session can sign in with. */
export interface CheckedSecret {
  readonly auth: SessionAuth
  /** Of the public key; null for a password. */
  readonly fingerprint: string | null
}

/**
 * Reads a private key as a session will, so that one that cannot be read is refused when it is stored.
 *
 * @returns Undefined when there is no secret in what was given.
 * @throws KrownError VALIDATION_FAILED for `privateKey` or `passphrase`, or what does not fit the kind; UNAVAILABLE.
 */
export async function checkSecret(
  keys: PrivateKeyReader,
  kind: CredentialKind,
  given: CredentialSecretInput,
): Promise<CheckedSecret | undefined> {
  const problems = credentialSecretProblems(kind, given)
  if (problems.length > 0) throw validationError(problems)
  const { password, privateKey, passphrase } = given
  if (password !== undefined) return { auth: { method: 'password', password }, fingerprint: null }
  if (privateKey === undefined) return undefined
  const auth = { method: 'key', privateKey, ...(passphrase !== undefined && { passphrase }) } as const
  const key = await keys.read(auth).catch(nameFieldsOfCredential)
  return { auth, fingerprint: fingerprint(key.getPublicSSH()) }
}

/** The reader knows the fields of a session. */
function nameFieldsOfCredential(error: unknown): never {
  if (!isKrownError(error) || error.code !== 'VALIDATION_FAILED') throw error
  const fields = error.details?.fields as readonly FieldProblem[]
  throw validationError(fields.map((field) => ({ ...field, path: field.path.replace(/^auth\./, '') })))
}
