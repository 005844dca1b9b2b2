import type { Branded } from '../base/ids.js'

export type OrgId = Branded<'OrgId'>
export type UserId = Branded<'UserId'>
export type LoginId = Branded<'LoginId'>
export type ApiTokenId = Branded<'ApiTokenId'>
export type TargetId = Branded<'TargetId'>
export type SessionId = Branded<'SessionId'>
export type CommandId = Branded<'CommandId'>
export type JournalEntryId = Branded<'JournalEntryId'>
export type HostKeyId = Branded<'HostKeyId'>
export type NodeId = Branded<'NodeId'>
