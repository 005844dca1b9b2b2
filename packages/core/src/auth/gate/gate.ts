import { requirePermission, type Subject } from '../../access/decide.js'
import { GOES_AROUND_RULES, type Permission } from '../../access/permission-table.js'
import { isKrownError, KrownError } from '../../errors/krown-error.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Actor, ApiTokenActor } from '../../model/actor.js'

/** Says what an actor may be right now: reads role, membership, login and disabled state, at most 5 s old. */
export interface SubjectSource {
  /** @throws KrownError UNAUTHENTICATED when the user is disabled or gone, or the login was ended. */
  subjectOf(actor: Actor): Promise<Subject>
}

/** Says which API tokens are limited to some targets. */
export interface TokenLimits {
  /** Whether access rules name the token, expired ones too. */
  isLimited(actor: ApiTokenActor): Promise<boolean>
}

/** The entry of a refusal; the actor is whole, since it says whose journal the entry belongs to. */
export interface Refusal extends JournalDraft {
  readonly actor: Actor
}

/** What the gate tells the journal of; implemented by `RefusalLog`. */
export interface RefusalSink {
  refused(refusal: Refusal, code: string): Promise<void>
}

export interface UseCase {
  readonly permission: Permission
  /** What it is about, for the journal entry of a refusal. */
  readonly resource?: { readonly kind: string; readonly id: string } | undefined
  /**
   * By what name a target is only looked up here: the embedding program's rule is asked in a use case of its own, once
   * the id is known. Personal, as below.
   */
  readonly lookup?: { readonly targetName: string } | undefined
  /** Of a session that is to be opened: where to. Personal, so an entry has it among its details. */
  readonly target?: { readonly host: string; readonly port: number; readonly username: string } | undefined
}

/** The caller of a use case that passed the gate. */
export interface Caller {
  readonly actor: Actor
  readonly subject: Subject
  /** Whose rows the permission covers. */
  readonly reach: 'own' | 'org'
}

/**
 * The embedding program's own rule, asked after the permission table; it can only deny.
 *
 * `resource` is what it is about: `{kind: 'session' | 'command' | 'user' | 'target' | …, id}`. Of a session by target it
 * is asked first `target:use` with the target's id, also when the target was named. For a session that is to be opened
 * `{kind: 'target', id: 'user@host:port'}`.
 *
 * @returns False to refuse with FORBIDDEN.
 */
export type Authorize = (
  actor: Actor,
  permission: Permission,
  resource: UseCase['resource'],
) => boolean | Promise<boolean>

/**
 * The one way into every use case, whichever door it came through: asks who the actor is now, asks the
 * permission table before anything is read, and journals every refusal that comes out.
 */
export class Gate {
  readonly #subjects: SubjectSource
  readonly #tokenLimits: TokenLimits
  readonly #refusals: RefusalSink
  readonly #authorize: Authorize | undefined

  constructor(deps: {
    subjects: SubjectSource
    tokenLimits: TokenLimits
    refusals: RefusalSink
    authorize?: Authorize | undefined
  }) {
    this.#subjects = deps.subjects
    this.#tokenLimits = deps.tokenLimits
    this.#refusals = deps.refusals
    this.#authorize = deps.authorize
  }

  async run<T>(actor: Actor, useCase: UseCase, work: (caller: Caller) => Promise<T>): Promise<T> {
    try {
      const subject = await this.#subjects.subjectOf(actor)
      const reach = requirePermission(subject, useCase.permission)
      if (reach === 'org') await this.#requireWithinRules(actor, useCase)
      await this.#askProgram(actor, useCase)
      return await work({ actor, subject, reach })
    } catch (error) {
      if (isRefusal(error)) await this.#refusals.refused(describe(actor, useCase, error), error.code)
      throw error
    }
  }

  async #requireWithinRules(actor: Actor, { permission }: UseCase): Promise<void> {
    if (actor.kind !== 'api_token' || !GOES_AROUND_RULES.has(permission)) return
    if (await this.#tokenLimits.isLimited(actor)) throw forbiddenToLimited(permission)
  }

  async #askProgram(actor: Actor, { permission, resource, lookup, target }: UseCase): Promise<void> {
    if (this.#authorize === undefined || lookup) return
    const about = target
      ? { kind: 'target', id: `${target.username}@${target.host}:${target.port}` }
      : resource
    if (!(await this.#authorize(actor, permission, about))) throw forbiddenByProgram(permission)
  }
}

function forbiddenByProgram(permission: Permission): KrownError {
  return new KrownError('FORBIDDEN', `${permission} is not allowed here`, { details: { permission } })
}

function forbiddenToLimited(permission: Permission): KrownError {
  return new KrownError(
    'FORBIDDEN',
    `access rules name this API token, which therefore does not allow ${permission}: it could get around them`,
    { details: { permission } },
  )
}

const REFUSALS = new Set<string>(['FORBIDDEN', 'NOT_FOUND', 'QUOTA_EXCEEDED', 'RATE_LIMITED'])

// Failures to open a session have entries of their own; an invalid token names nobody to blame.
function isRefusal(error: unknown): error is KrownError {
  return isKrownError(error) && REFUSALS.has(error.code)
}

function describe(
  actor: Actor,
  { permission, resource, lookup, target }: UseCase,
  { code }: KrownError,
): Refusal {
  return {
    action: 'access.denied',
    outcome: 'denied',
    actor,
    facts: { permission, code },
    ...(resource && { resource }),
    ...(lookup && { details: lookup }),
    ...(target && { details: { host: target.host, port: target.port, targetUsername: target.username } }),
  }
}
