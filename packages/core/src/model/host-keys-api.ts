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
  /** @throws KrownError `NOT_FOUND` also for a key that only another user pinned, unless by an admin or auditor. */
  get(id: HostKeyId): Promise<KnownHostKey>
  /**
   * Pins a key that the caller knows. A key that is known already is answered as it is.
   *
   * @throws KrownError `FORBIDDEN` for the organization's keys unless by an admin; `CONFLICT` when the key is revoked or
   * that of a certificate authority; `NOT_FOUND` for a jump host that is not in the inventory; `QUOTA_EXCEEDED` when the
   * organization or the caller trusts 32 keys of this host, or the caller has pinned 1,000 for themselves.
   */
  create(input: PinHostKeyInput): Promise<KnownHostKey>
  /**
   * Revokes a key for good, or trusts it again. A key that has this mark is answered as it is.
   *
   * @throws KrownError `NOT_FOUND`; `QUOTA_EXCEEDED` as for `create`; `CONFLICT` for the key of a certificate authority, and for trusting one that came by an import
   * and is revoked: it may be an authority's. Both can be deleted.
   */
  update(id: HostKeyId, input: UpdateHostKeyInput): Promise<KnownHostKey>
  /** Forgets a key; answers with what it was. Sessions that are open stay open. @throws KrownError `NOT_FOUND` */
  delete(id: HostKeyId): Promise<KnownHostKey>
  /**
   * Connects as far as the host key, which is pinned nowhere; signs in to the jump hosts on the way, and to nothing else.
   *
   * A host that is no target of the inventory is an ad hoc one for everybody: `ssh.allow_adhoc_hosts` and
   * `ssh.outbound.adhoc_ports` hold for it, and it is counted.
   *
   * @throws KrownError `TARGET_*` and `HOST_KEY_*` as for `sessions.open`; `RATE_LIMITED`; `FORBIDDEN` for a way through
   * jump hosts unless by an admin; `NOT_FOUND` for a jump host that is not in the inventory.
   */
  probe(input: ProbeHostKeyInput): Promise<ProbedHostKey>
  /**
   * Takes over what a known_hosts file says, for the organization; for admins. A line that cannot be used is skipped,
   * and doing it twice changes nothing. What is revoked stays so.
   *
   * @throws KrownError `QUOTA_EXCEEDED` when more than 5,000 patterns or 200,000 keys of hosts would be kept;
   * `VALIDATION_FAILED` for more than 10,000 lines, or hosts that they name.
   */
  import(input: ImportHostKeysInput): Promise<HostKeyImport>
  /**
   * Probes targets that were rebuilt, and trusts the key that each shows instead of those that were pinned before; for
   * admins. Who is in between at that moment is trusted from then on. Jump hosts come before what is behind them. Takes
   * at most two minutes; a target whose turn has not come by then has failed, with `TARGET_TIMEOUT`.
   *
   * @param options.signal Ends it: then it rejects with the signal's reason. What was trusted until then stays so.
   * @throws KrownError `DRAINING`; `VALIDATION_FAILED` when `selector` means more than 100 targets; `NOT_FOUND` for `targetIds`.
   */
  retrust(input: RetrustInput, options?: { signal?: AbortSignal | undefined }): Promise<Retrust>
}
