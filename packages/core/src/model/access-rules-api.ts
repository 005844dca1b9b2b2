import type {
  AccessDecision,
  AccessRule,
  AccessRuleQuery,
  CreateAccessRuleInput,
  ExplainAccessInput,
  RevokedAccessRule,
  UpdateAccessRuleInput,
} from './access-rule.js'
import type { AccessRuleId } from './ids.js'
import type { Page } from './page.js'

/**
 * Who may do what on which targets. Read by admins and auditors, changed by admins. A change takes effect within 5
 * seconds; sessions that nothing allows any more end.
 */
export interface AccessRulesApi {
  /** Newest first; expired ones too. */
  list(query?: AccessRuleQuery): Promise<Page<AccessRule>>
  get(id: AccessRuleId): Promise<AccessRule>
  /**
   * The first rule of an API token limits it: what its owner may, but none of its rules allows, ends.
   *
   * @throws KrownError `VALIDATION_FAILED` for a `selector` that cannot be read, or an `expiresAt` that has passed;
   * `NOT_FOUND` for a user or a token that the organization does not have; `QUOTA_EXCEEDED`.
   */
  create(input: CreateAccessRuleInput): Promise<AccessRule>
  /** @throws KrownError `VALIDATION_FAILED` as for `create` */
  update(id: AccessRuleId, input: UpdateAccessRuleInput): Promise<AccessRule>
  /** Answers with what it was, and whether it limited an API token that nothing limits any more. */
  delete(id: AccessRuleId): Promise<RevokedAccessRule>
  /**
   * Whether a user may do something on a target now, signed in or with one of its API tokens, and why. Of the scopes of
   * a token it knows nothing.
   *
   * @throws KrownError `NOT_FOUND` for a user or a target that the organization does not have, or a token that the user
   * does not have.
   */
  explain(input: ExplainAccessInput): Promise<AccessDecision>
}
