import type { Branded } from '../base/ids.js'

/** An organization. All ids are UUIDs (version 7) in lower case; on the wire they are strings. */
export type OrgId = Branded<'OrgId'>
/** A user. */
export type UserId = Branded<'UserId'>
/** A person signed in: lives as long as its refresh tokens. */
export type LoginId = Branded<'LoginId'>
/** An API token, not its text. */
export type ApiTokenId = Branded<'ApiTokenId'>
/** An entry of the inventory. */
export type TargetId = Branded<'TargetId'>
/** A stored secret for targets. */
export type CredentialId = Branded<'CredentialId'>
/** Who may do what on which targets. */
export type AccessRuleId = Branded<'AccessRuleId'>
/** An invite to register, not its text. */
export type InviteId = Branded<'InviteId'>
/** An SSH session. */
export type SessionId = Branded<'SessionId'>
/** A command; may be chosen by the caller. */
export type CommandId = Branded<'CommandId'>
/** A channel of a session: the id of the command or shell that runs in it. */
export type ChannelId = CommandId
/** What was recorded of a session, or of one channel with a terminal. */
export type RecordingId = Branded<'RecordingId'>
/** An entry of the journal; `seq` says where it stands. */
export type JournalEntryId = Branded<'JournalEntryId'>
/** A pinned host key. */
export type HostKeyId = Branded<'HostKeyId'>
/** A process of Krown. */
export type NodeId = Branded<'NodeId'>
