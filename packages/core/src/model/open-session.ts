import { z } from 'zod'
import type { TargetId } from './ids.js'
import { targetIdSchema } from './ids-schema.js'
import { fingerprintSchema, hostSchema, portSchema, type SessionAuth, sessionAuthSchema } from './session.js'
import { remoteUsernameSchema, targetNameSchema } from './target.js'

/** Opens a session to a host that need not be in the inventory. */
export interface AdhocSessionInput {
  /** Host name, IPv4 or IPv6 address. */
  host: string
  /** Default 22. */
  port?: number | undefined
  /** User name on the host. */
  username: string
  auth: SessionAuth
  /** `SHA256:…`: accept this host key and no other. */
  hostKeyFingerprint?: string | undefined
  targetId?: undefined
  targetName?: undefined
}

/** Opens a session to a target of the inventory, which says where it is. */
export type TargetSessionInput = TargetReference & {
  /** Instead of the credential of the target, which is then not touched; needed where it has none. */
  auth?: SessionAuth | undefined
  /** User name on the target, only with `auth`; default: the target's. */
  username?: string | undefined
  host?: undefined
  port?: undefined
  hostKeyFingerprint?: undefined
}

/** A target by its id, or by its name in any case. */
export type TargetReference =
  | { targetId: TargetId; targetName?: undefined }
  | { targetName: string; targetId?: undefined }

/** What `sessions.open` takes. */
export type OpenSessionInput = AdhocSessionInput | TargetSessionInput

const openSessionFields = z.strictObject({
  host: hostSchema.optional(),
  port: portSchema.optional(),
  username: remoteUsernameSchema.optional(),
  auth: sessionAuthSchema.optional(),
  hostKeyFingerprint: fingerprintSchema.optional(),
  targetId: targetIdSchema.optional(),
  targetName: targetNameSchema.optional(),
})

type OpenSessionFields = z.output<typeof openSessionFields>

/** The fields that may not be given beside those that are, or that are missing. */
function problemsOfOpening(given: OpenSessionFields): [keyof OpenSessionFields, string][] {
  const { targetId, targetName } = given
  if (targetId === undefined && targetName === undefined) {
    const needed = (['host', 'username', 'auth'] as const).filter((field) => given[field] === undefined)
    return needed.map((field) => [field, 'is needed, unless there is a targetId or targetName'])
  }
  const ofTarget = (['host', 'port', 'hostKeyFingerprint'] as const).filter(
    (field) => given[field] !== undefined,
  )
  const problems: [keyof OpenSessionFields, string][] = ofTarget.map((field) => [
    field,
    'is said by the target',
  ])
  if (targetId !== undefined && targetName !== undefined)
    problems.push(['targetName', 'is one too many beside targetId'])
  // A stored credential goes to nobody but the user it is for.
  if (given.username !== undefined && given.auth === undefined) {
    problems.push(['username', 'needs auth: the credential of the target is for its own user name'])
  }
  return problems
}

// One object, since a union could not say which field is wrong; the check makes it the union.
export const openSessionInputSchema = openSessionFields
  .superRefine((given, { addIssue }) => {
    for (const [field, message] of problemsOfOpening(given))
      addIssue({ code: 'custom', path: [field], message })
  })
  .meta({
    anyOf: [
      { required: ['host', 'username', 'auth'] },
      { required: ['targetId'] },
      { required: ['targetName'] },
    ],
  }) as z.ZodType as z.ZodType<OpenSessionInput, OpenSessionInput>
