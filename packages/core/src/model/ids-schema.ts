import { z } from 'zod'
import type { Branded } from '../base/ids.js'
import type {
  AccessRuleId,
  ApiTokenId,
  CommandId,
  CredentialId,
  HostKeyId,
  InviteId,
  JournalEntryId,
  LoginId,
  OrgId,
  RecordingId,
  SessionId,
  TargetId,
  UserId,
} from './ids.js'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-[1-8][0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

// A guard instead of a transform: input and output types stay equal, on the wire it is a string.
const idSchema = <Id extends Branded<string>>() =>
  z
    .custom<Id>((value) => typeof value === 'string' && UUID.test(value), 'must be a UUID in lower case')
    .meta({
      type: 'string',
      format: 'uuid',
    })

export const orgIdSchema = idSchema<OrgId>()
export const userIdSchema = idSchema<UserId>()
export const loginIdSchema = idSchema<LoginId>()
export const apiTokenIdSchema = idSchema<ApiTokenId>()
export const targetIdSchema = idSchema<TargetId>()
export const credentialIdSchema = idSchema<CredentialId>()
export const accessRuleIdSchema = idSchema<AccessRuleId>()
export const hostKeyIdSchema = idSchema<HostKeyId>()
export const inviteIdSchema = idSchema<InviteId>()
export const sessionIdSchema = idSchema<SessionId>()
export const commandIdSchema = idSchema<CommandId>()
export const recordingIdSchema = idSchema<RecordingId>()
export const journalEntryIdSchema = idSchema<JournalEntryId>()
