import type {
  HostKeyImport,
  HostKeyQuery,
  ImportHostKeysInput,
  KnownHostKey,
  PinHostKeyInput,
  ProbedHostKey,
  ProbeHostKeyInput,
  Retrust,
  RetrustInput,
  UpdateHostKeyInput,
} from './host-key.js'
import type { HostKeyId } from './ids.js'
import type { Page } from './page.js'

/** Which host keys are trusted: by the organization, for admins to manage, and by each operator alone. */
export interface HostKeysApi {
  /** Newest first: the organization's and everybody's for admins and auditors, for operators their own. */
  list(query?: HostKeyQuery): Promise<Page<KnownHostKey>>
  get(id: HostKeyId): Promise<KnownHostKey>
  /**
   * Pins a key that the caller knows. A key that is known already is answered as it is.
   *
   * @throws KrownError `FORBIDDEN` for the organization's keys unless by an admin; `CONFLICT` when the key is revoked or
   * that of a certificate authority;
   * `NOT_FOUND` for a jump host that is not in the inventory.
   */
  create(input: PinHostKeyInput): Promise<KnownHostKey>
  /**
   * Revokes a key for good, or trusts it again.
   *
   * @throws KrownError `CONFLICT` for the key of a certificate authority, and for trusting one that came by an import
   * and is revoked: it may be an authority's. Both can be deleted.
   */
  update(id: HostKeyId, input: UpdateHostKeyInput): Promise<KnownHostKey>
  /** Forgets a key; answers with what it was. Sessions that are open stay open. */
  delete(id: HostKeyId): Promise<KnownHostKey>
  /**
   * Connects as far as the host key, which is pinned nowhere; signs in to the jump hosts on the way, and to nothing else.
   *
   * @throws KrownError `TARGET_*` and `HOST_KEY_*` as for `sessions.open`; `FORBIDDEN` for a way through jump hosts
   * unless by an admin.
   */
  probe(input: ProbeHostKeyInput): Promise<ProbedHostKey>
  /**
   * Takes over what a known_hosts file says, for the organization; for admins. A line that cannot be used is skipped,
   * and doing it twice changes nothing. What is revoked stays so.
   *
   * @throws KrownError `QUOTA_EXCEEDED` when more than 5,000 patterns would be kept; then nothing is.
   */
  import(input: ImportHostKeysInput): Promise<HostKeyImport>
  /**
   * Probes targets that were rebuilt, and trusts the key that each shows instead of those that were pinned before; for
   * admins. Who is in between at that moment is trusted from then on.
   *
   * @throws KrownError `VALIDATION_FAILED` when `selector` means more than 100 targets; `NOT_FOUND` for `targetIds`.
   */
  retrust(input: RetrustInput): Promise<Retrust>
}
