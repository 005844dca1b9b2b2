import { randomBytes } from 'node:crypto'
import type { Clock } from '../base/clock.js'
import type { NewId } from '../base/ids.js'
import { parseInput } from '../base/parse-input.js'
import type { Database } from '../db/database.js'
import { namesAccessSubject } from '../db/repositories/access-rule.repository.js'
import { isSetUp } from '../db/repositories/instance.repository.js'
import { deleteEndedInvitesAcrossOrgs } from '../db/repositories/invite.repository.js'
import { deleteExpiredLoginsAcrossOrgs } from '../db/repositories/login.repository.js'
import type { Journal } from '../journal/journal.js'
import type { Actor, SystemActor } from '../model/actor.js'
import type { NewApiToken } from '../model/api-token.js'
import type { OrgId, UserId } from '../model/ids.js'
import type { User } from '../model/user.js'
import { AuthService } from './auth-service.js'
import { Authenticator } from './authenticator.js'
import { EntryAggregator } from './gate/entry-aggregator.js'
import { type Authorize, Gate } from './gate/gate.js'
import { RefusalLog } from './gate/refusal-log.js'
import { Subjects } from './gate/subjects.js'
import { InviteDesk } from './invites/invite-desk.js'
import { ENDED_INVITES_KEPT_MS, Invites } from './invites/invites.js'
import type { LimitStore } from './limits/limit-store.js'
import { type RateLimitSettings, RateLimits } from './limits/rate-limits.js'
import { Account } from './logins/account.js'
import { FailedLoginLog } from './logins/failed-login-log.js'
import { LoginRefresh } from './logins/login-refresh.js'
import { type LoginSettings, Logins } from './logins/logins.js'
import { OwnLogins } from './logins/own-logins.js'
import { SignIn } from './logins/sign-in.js'
import { PasswordChange } from './passwords/password-change.js'
import { argon2Hasher, type PasswordHasher } from './passwords/password-hasher.js'
import { resetPassword } from './passwords/password-reset.js'
import { Passwords } from './passwords/passwords.js'
import { ensureSystemActor, type HomeOrg, openHomeOrg } from './people/default-org.js'
import { ExternalActors } from './people/external-actors.js'
import { grantInstanceAdmin } from './people/instance-admin.js'
import { NewPeople, type PersonInput, personInputSchema } from './people/new-person.js'
import { Registration } from './people/registration.js'
import { createFirstAdmin } from './people/setup.js'
import { UserAdmin } from './people/user-admin.js'
import { type AccessTokenSettings, AccessTokens } from './tokens/access-token.js'
import { ApiTokenIssuer } from './tokens/api-token-issuer.js'
import { ApiTokenLookup } from './tokens/api-token-lookup.js'
import { createTokenOnMachine, type MachineTokenInput } from './tokens/api-token-on-machine.js'
import { ApiTokens } from './tokens/api-tokens.js'

export interface IdentitySettings {
  readonly auth: AccessTokenSettings &
    LoginSettings & {
      readonly registration: 'open' | 'invite' | 'closed'
      readonly passwordMinLength: number
    }
  readonly limits: RateLimitSettings
}

export interface IdentityParts {
  readonly database: Database
  readonly journal: Journal
  readonly clock: Clock
  readonly newId: NewId
  /** Where failed logins and registrations are counted. */
  readonly limitStore: LimitStore
  /** An empty `auth.jwtSecret` means one of this process: its tokens end with it. */
  readonly settings: IdentitySettings
  /** Proves the right to become the first admin; null when nobody may by registering. */
  readonly setupToken: string | null
  /** The embedding program's own rule. */
  readonly authorize?: Authorize | undefined
  /** Default: Argon2id. */
  readonly hasher?: PasswordHasher | undefined
  /**
   * Called after this process changed what a user may do or ended one of its logins: ask `subjects.isStillGood`
   * for whatever that user has open.
   */
  readonly onUserChanged: (userId: UserId) => void
}

/** Who may come in, and as whom. */
export interface Identity {
  readonly home: HomeOrg
  readonly gate: Gate
  readonly subjects: Subjects
  readonly auth: AuthService
  readonly external: ExternalActors
  readonly users: UserAdmin
  readonly logins: OwnLogins
  readonly tokens: ApiTokens
  readonly invites: Invites
  /** Krown's own actor in an organization; default: the organization `default`. @throws KrownError NOT_FOUND */
  systemActor(orgId?: OrgId): Promise<SystemActor>
  setupRequired(): Promise<boolean>
  /** Counts one request of a transport; a refusal is journaled. @throws KrownError RATE_LIMITED */
  countRequest(actor: Actor): void
  /** For somebody on the machine. @throws KrownError CONFLICT when set-up is done; VALIDATION_FAILED. */
  createFirstAdmin(input: PersonInput): Promise<User>
  /** For somebody on the machine. @throws KrownError NOT_FOUND, VALIDATION_FAILED */
  resetPassword(input: { username: string; password: string }): Promise<User>
  /** For somebody on the machine. @throws KrownError NOT_FOUND, CONFLICT, VALIDATION_FAILED */
  grantInstanceAdmin(input: { username: string }): Promise<User>
  /** For somebody on the machine. @throws KrownError NOT_FOUND, CONFLICT, VALIDATION_FAILED, QUOTA_EXCEEDED */
  createToken(input: MachineTokenInput): Promise<NewApiToken>
  /** For the sweep: deletes logins that reached their absolute end, invites that ended long ago, and expired counts. */
  purge(): Promise<void>
  /** Journals refusals that were only counted. @throws KrownError AUDIT_UNAVAILABLE */
  flush(): Promise<void>
}

/** Puts the parts of this folder together over a migrated database. */
export async function createIdentity(parts: IdentityParts): Promise<Identity> {
  const { database, journal, clock } = parts
  const { db } = database
  const home = await openHomeOrg(parts)
  const shared = createShared(parts, home)
  const { subjects, entries, people, passwords, limits } = shared
  const refusals = new RefusalLog({ entries })
  const gate = new Gate({
    subjects,
    tokenLimits: {
      isLimited: ({ orgId, tokenId }) => namesAccessSubject(db, orgId, { kind: 'api_token', tokenId }),
    },
    refusals,
    authorize: parts.authorize,
  })
  const onMachine = { journal, clock, people, passwords, home, db }
  return {
    home,
    gate,
    subjects,
    auth: createAuthService({ ...parts, ...shared, gate, home }),
    external: new ExternalActors({ ...parts, ...shared, home, db }),
    users: new UserAdmin({ gate, db, journal, clock, people, onUserChanged: shared.onUserChanged }),
    logins: new OwnLogins({ gate, db, journal, clock, onUserChanged: shared.onUserChanged }),
    invites: new Invites({ gate, db, journal, clock, newId: parts.newId }),
    tokens: new ApiTokens({ ...shared, gate, db, journal }),
    systemActor: async (orgId = home.orgId) =>
      orgId === home.orgId ? home.system : ensureSystemActor(parts, orgId),
    setupRequired: async () => !(await isSetUp(db)),
    countRequest: (actor) => countRequest({ limits, refusals }, actor),
    createFirstAdmin: (input) =>
      createFirstAdmin(onMachine, parseInput(personInputSchema, input), { clientIp: null }),
    resetPassword: (input) => resetPassword(onMachine, input),
    grantInstanceAdmin: (input) => grantInstanceAdmin(onMachine, input),
    createToken: (input) => createTokenOnMachine({ db, issuer: shared.issuer, home }, input),
    purge: async () => {
      await deleteExpiredLoginsAcrossOrgs(db, clock.now())
      await deleteEndedInvitesAcrossOrgs(db, clock.now() - ENDED_INVITES_KEPT_MS)
      await parts.limitStore.purge()
    },
    flush: () => entries.flush(),
  }
}

function countRequest(
  { limits, refusals }: { limits: RateLimits; refusals: RefusalLog },
  actor: Actor,
): void {
  try {
    limits.countRequest(actor)
  } catch (error) {
    const code = 'RATE_LIMITED'
    // Not awaited: whoever floods must not make the journal the place where the flood waits.
    const refusal = { action: 'access.denied', outcome: 'denied', actor, facts: { code } } as const
    refusals.refused(refusal, code).catch(() => {})
    throw error
  }
}

type Shared = ReturnType<typeof createShared>

function createShared(parts: IdentityParts, home: HomeOrg) {
  const { database, journal, clock, newId, settings } = parts
  const lookup = new ApiTokenLookup({ db: database.db, clock })
  const subjects = new Subjects({ db: database.db, clock, apiTokens: lookup })
  const entries = new EntryAggregator({ journal, clock })
  const passwords = new Passwords({ hasher: parts.hasher ?? argon2Hasher, settings: settings.auth })
  return {
    subjects,
    lookup,
    issuer: new ApiTokenIssuer({ journal, clock, newId }),
    entries,
    passwords,
    people: new NewPeople({ passwords, clock, newId }),
    limits: new RateLimits({ clock, store: parts.limitStore, settings: settings.limits }),
    failures: new FailedLoginLog({ entries, home }),
    onUserChanged: (userId: UserId) => {
      subjects.invalidate(userId)
      parts.onUserChanged(userId)
    },
  }
}

function createAuthService(parts: IdentityParts & Shared & { gate: Gate; home: HomeOrg }): AuthService {
  const { database, journal, clock, newId, onUserChanged, passwords, limits } = parts
  const { db } = database
  const { auth } = parts.settings
  const jwtSecret = auth.jwtSecret || randomBytes(32).toString('base64url')
  const tokens = new AccessTokens({ clock, newId, settings: { ...auth, jwtSecret } })
  const logins = new Logins({ journal, clock, newId, settings: auth, onUserChanged })
  const passwordChange = new PasswordChange({ db, journal, clock, passwords, limits, onUserChanged })
  const { setupToken } = parts
  return new AuthService({
    tokens,
    authenticator: new Authenticator({
      accessTokens: tokens,
      apiTokens: parts.lookup,
      subjects: parts.subjects,
    }),
    registration: new Registration({
      ...parts,
      db,
      invites: new InviteDesk({ db, clock }),
      settings: { registration: auth.registration, setupToken },
    }),
    signIn: new SignIn({ ...parts, db, logins }),
    refresh: new LoginRefresh({ db, journal, clock, tokens, limits, settings: auth, onUserChanged }),
    account: new Account({ gate: parts.gate, db, logins, passwordChange }),
  })
}
