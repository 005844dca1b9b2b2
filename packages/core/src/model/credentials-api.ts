import type {
  CreateCredentialInput,
  Credential,
  CredentialQuery,
  UpdateCredentialInput,
} from './credential.js'
import type { CredentialId } from './ids.js'
import type { Page } from './page.js'

/** Stored secrets for targets; for admins. What is stored is never told again, to nobody. */
export interface CredentialsApi {
  /** Newest first. */
  list(query?: CredentialQuery): Promise<Page<Credential>>
  get(id: CredentialId): Promise<Credential>
  /**
   * A private key is read first, so one that no session could use is refused.
   *
   * @throws KrownError `CONFLICT` when the name is taken, or this Krown lacks the master key; `VALIDATION_FAILED` for
   * `privateKey` or `passphrase`; `QUOTA_EXCEEDED`.
   */
  create(input: CreateCredentialInput): Promise<Credential>
  /** Sessions that are opened from now on use the new secret. @throws KrownError as for `create` */
  update(id: CredentialId, input: UpdateCredentialInput): Promise<Credential>
  /** Answers with what it was. @throws KrownError `CONFLICT` while targets use it; `details.targets` says how many */
  delete(id: CredentialId): Promise<Credential>
}
