import type { Permission } from './access/permission-table.js'
import type { InProcessClient } from './client/in-process-client.js'
import type { KrownConfig } from './config/krown-config.js'
import type {
  Actor,
  BearerActor,
  CallOrigin,
  ExternalActor,
  ExternalIdentity,
  SystemActor,
} from './model/actor.js'
import type { OrgId, RecordingId } from './model/ids.js'
import type { LoginInput, LoginResult, RefreshInput } from './model/login.js'
import type { RecordingFormat } from './model/recording-export.js'
import type { RegisterInput, User } from './model/user.js'

/** What can be done without being signed in. */
export interface KrownAuth {
  /**
   * Makes a user with role `readonly`, or with the right `setupToken` the first admin.
   *
   * @throws KrownError CONFLICT when the name is taken or set-up is done; FORBIDDEN when registration is closed or
   * the setup token is wrong; VALIDATION_FAILED; RATE_LIMITED.
   */
  register(input: RegisterInput, origin: CallOrigin): Promise<User>
  /** @throws KrownError UNAUTHENTICATED, the same for every cause; RATE_LIMITED. */
  login(input: LoginInput, origin: CallOrigin): Promise<LoginResult>
  /** @throws KrownError UNAUTHENTICATED; a token used twice ends its whole login. */
  refresh(input: RefreshInput, origin: CallOrigin): Promise<LoginResult>
  /**
   * Who a bearer token stands for: a person by the access token of a login, or a program by an API token.
   *
   * @throws KrownError UNAUTHENTICATED, the same for every cause.
   */
  authenticate(token: string, origin: CallOrigin): Promise<BearerActor>
}

/** A running gateway. Made by `createKrown`. */
export interface Krown extends AsyncDisposable {
  readonly config: KrownConfig
  readonly auth: KrownAuth
  readonly actors: {
    /** A user whom the embedding program vouches for; known by issuer and subject, never by password. */
    external(identity: ExternalIdentity): Promise<ExternalActor>
    /** The embedding program itself: may do everything in its organization, and is named `system` in the journal. */
    system(orgId?: OrgId): Promise<SystemActor>
  }
  /** Everything `actor` may do. Cheap: make one for each call or keep it. */
  as(actor: Actor): InProcessClient
  /** For transports: counts one request. @throws KrownError RATE_LIMITED */
  countRequest(actor: Actor): void
  /**
   * For transports: who made this ticket with `recordings.createTicket`; it is used up.
   *
   * @throws KrownError UNAUTHENTICATED when it is not good, or not for this.
   */
  redeemTicket(
    ticket: string,
    use: { id: RecordingId; format?: RecordingFormat | undefined },
    origin: CallOrigin,
  ): Actor
  /**
   * For transports, before they take in what costs more than most requests: resolves when the actor has a permission for
   * all of its organization. Each use case asks by itself again; a refusal is journaled.
   *
   * @throws KrownError FORBIDDEN; UNAUTHENTICATED when the login ended.
   */
  requireForOrganization(actor: Actor, permission: Permission): Promise<void>
  /** No session may reach this endpoint: for the ports on which the embedding program itself listens. */
  protect(endpoint: { host: string; port: number }): void
  /** Resolves when the database answers. @throws KrownError UNAVAILABLE */
  ready(): Promise<void>
  /** Is set-up (the first admin) still to be done? */
  setupRequired(): Promise<boolean>
  readonly draining: boolean
  /**
   * Refuses new work with DRAINING, lets running commands finish for at most `timeoutMs`, then closes every
   * session with `server_shutdown`.
   */
  drain(timeoutMs: number): Promise<void>
  /** Ends everything that `createKrown` began; drains without waiting. Calling it twice is fine. */
  close(): Promise<void>
}
