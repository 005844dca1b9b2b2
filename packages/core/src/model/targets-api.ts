import type { TargetId } from './ids.js'
import type { Page } from './page.js'
import type { CreateTargetInput, Target, TargetQuery, UpdateTargetInput } from './target.js'
import type { ImportTargetsInput, TargetImport } from './target-import.js'

/** The inventory: admins change it, operators see the targets that an access rule names. */
export interface TargetsApi {
  /** Newest first. @throws KrownError `VALIDATION_FAILED` for a selector that cannot be read. */
  list(query?: TargetQuery): Promise<Page<Target>>
  get(id: TargetId): Promise<Target>
  /**
   * Connects to the target as far as its host key, unless `probe` is false, and pins that key for the organization; no
   * credential is sent to it. Jump hosts on the way are signed in to.
   *
   * @throws KrownError `CONFLICT` when the name is taken, the way is too long, or a jump host has no credential;
   * `NOT_FOUND` for the credential or the jump host; `HOST_KEY_MISMATCH` when it shows another key than was given or
   * is pinned already; `TARGET_POLICY_DENIED`, and other `TARGET_*` and `HOST_KEY_*` as for `sessions.open`;
   * `QUOTA_EXCEEDED`. Then there is no target.
   */
  create(input: CreateTargetInput): Promise<Target>
  /**
   * Sessions that are open stay connected as they are, unless their users are no longer allowed to have them. Host keys
   * are of a place: a target with another host, port or jump host has none until one is pinned (`hostKeys.create`,
   * `hostKeys.retrust`).
   *
   * @throws KrownError `CONFLICT`, `NOT_FOUND`, `TARGET_POLICY_DENIED` as for `create`; `CONFLICT` also when it would be
   * reached through itself.
   */
  update(id: TargetId, input: UpdateTargetInput): Promise<Target>
  /**
   * Ends the sessions to it within 5 seconds; answers with what it was.
   *
   * @throws KrownError `CONFLICT` when other targets are reached through it.
   */
  delete(id: TargetId): Promise<Target>
  /**
   * Takes over targets of another inventory by their names: makes those that are not there, changes those that are
   * different, and connects to none of them. Without a pinned host key they answer `HOST_KEY_UNKNOWN` until one is
   * pinned. Of the same twice, the second time nothing changes.
   *
   * @throws KrownError `NOT_FOUND` for the credential; `QUOTA_EXCEEDED`: then nothing was imported.
   */
  import(input: ImportTargetsInput): Promise<TargetImport>
}
