import type { InviteId } from './ids.js'
import type { CreateInviteInput, Invite, NewInvite } from './invite.js'
import type { Page, PageQuery } from './page.js'

/** Invites to the organization, for `auth.registration = "invite"`; for admins. */
export interface InvitesApi {
  /**
   * The answer is the only place where the invite's text is told. An API token invites no admins.
   *
   * @throws KrownError `QUOTA_EXCEEDED` with 100 of one admin, or 1,000 of the organization, that can be used.
   */
  create(input?: CreateInviteInput): Promise<NewInvite>
  /** Used, expired and revoked ones too, for 30 days. */
  list(query?: PageQuery): Promise<Page<Invite>>
  /** Revoking twice is fine. @throws KrownError `CONFLICT` when it was used: disable the user instead. */
  revoke(id: InviteId): Promise<Invite>
}
