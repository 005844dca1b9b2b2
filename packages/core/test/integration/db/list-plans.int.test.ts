import { afterAll, beforeAll, expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { Db } from '../../../src/db/database.js'
import * as accessRules from '../../../src/db/repositories/access-rule.repository.js'
import * as apiTokens from '../../../src/db/repositories/api-token.repository.js'
import * as commands from '../../../src/db/repositories/command.repository.js'
import * as credentials from '../../../src/db/repositories/credential.repository.js'
import { encodeCursor } from '../../../src/db/repositories/cursor.js'
import * as hostKeys from '../../../src/db/repositories/host-key.repository.js'
import { findInventoryRevision } from '../../../src/db/repositories/inventory-revision.repository.js'
import * as invites from '../../../src/db/repositories/invite.repository.js'
import * as journal from '../../../src/db/repositories/journal.repository.js'
import * as logins from '../../../src/db/repositories/login.repository.js'
import { countOtherAdmins, findStanding } from '../../../src/db/repositories/membership.repository.js'
import * as recordings from '../../../src/db/repositories/recording.repository.js'
import * as sessions from '../../../src/db/repositories/session.repository.js'
import * as targets from '../../../src/db/repositories/target.repository.js'
import * as targetWays from '../../../src/db/repositories/target-way.repository.js'
import * as users from '../../../src/db/repositories/user.repository.js'
import type {
  AccessRuleId,
  ApiTokenId,
  CommandId,
  CredentialId,
  HostKeyId,
  InviteId,
  LoginId,
  RecordingId,
  SessionId,
  TargetId,
  UserId,
} from '../../../src/model/ids.js'
import { describeOnBothDatabases, type OpenedTestDatabase } from '../../support/databases.js'
import { fillTables } from './filled-tables.js'
import { explain, recordStatements } from './recording.js'
import { NODE, type SeededOrg } from './seed.js'

type Query = (db: Db, org: SeededOrg) => Promise<unknown>

/** Every choice of the given filters, with none and with all of them. */
function choices<Filters extends object>(filters: Filters): Partial<Filters>[] {
  return Object.entries(filters).reduce<Partial<Filters>[]>(
    (chosen, [name, value]) => chosen.concat(chosen.map((one) => ({ ...one, [name]: value }))),
    [{}],
  )
}

const named = (list: string, filters: object) => `${list} by ${Object.keys(filters).join(', ') || 'nothing'}`

const userId = newId<UserId>()
const sessionId = newId<SessionId>()

const SESSION_LISTS = choices({
  owner: userId,
  userId,
  status: 'connected' as const,
  targetId: newId<TargetId>(),
  host: 'h7.example.com',
}).map(({ owner, ...query }): [string, Query] => [
  named('sessions', { ...query, ...(owner && { owner }) }),
  async (db, { orgId }) => {
    await sessions.listSessions(db, orgId, { query, owner })
    const cursor = encodeCursor({ list: 'sessions', ...query }, [sessionId])
    await sessions.listSessions(db, orgId, { query: { ...query, cursor }, owner })
  },
])

const COMMAND_LISTS = choices({
  owner: userId,
  userId,
  sessionId,
  status: 'failed' as const,
  search: 'rm -rf',
}).map(({ owner, ...query }): [string, Query] => [
  named('commands', { ...query, ...(owner && { owner }) }),
  async (db, { orgId }) => {
    await commands.listCommands(db, orgId, { query, owner })
    const cursor = encodeCursor({ list: 'commands', ...query }, [300, newId<CommandId>()])
    await commands.listCommands(db, orgId, { query: { ...query, cursor }, owner })
  },
])

const RECORDING_LISTS = choices({
  owner: userId,
  userId,
  sessionId,
  kind: 'terminal' as const,
  status: 'incomplete' as const,
}).map(({ owner, ...query }): [string, Query] => [
  named('recordings', { ...query, ...(owner && { owner }) }),
  async (db, { orgId }) => {
    await recordings.listRecordings(db, orgId, { query, owner })
    const cursor = encodeCursor({ list: 'recordings', ...query }, [300, newId<RecordingId>()])
    await recordings.listRecordings(db, orgId, { query: { ...query, cursor }, owner })
  },
])

const RECORDINGS: [string, Query][] = [
  ['a recording', (db, { orgId }) => recordings.findRecording(db, orgId, newId<RecordingId>())],
  ['the key of a recording', (db, { orgId }) => recordings.findRecordingKey(db, orgId, newId<RecordingId>())],
  [
    'recordings that go on',
    (db) => recordings.listOrphanRecordingsAcrossOrgs(db, { livingNodes: [NODE], limit: 200 }),
  ],
  [
    'recordings that are too old',
    (db) => recordings.listExpiredRecordingsAcrossOrgs(db, { endedBefore: 5, limit: 100 }),
  ],
  [
    'recordings of a master key',
    (db) => recordings.listRecordingKeysOfMasterKeyAcrossOrgs(db, { keyId: '00000001', limit: 100 }),
  ],
]

const JOURNAL_LISTS = choices({
  action: 'login.failed',
  actorUserId: userId,
  resourceId: sessionId as string,
  outcome: 'denied' as const,
  search: 'root',
}).map((filter): [string, Query] => [
  named('journal entries', filter),
  async (db, { orgId }) => {
    await journal.listEntries(db, orgId, { filter, limit: 51 })
    await journal.listEntries(db, orgId, { filter, beforeSeq: 300, limit: 51 })
  },
])

const HOST_KEY_LISTS = choices({
  owner: userId,
  host: 'h7.example.com',
  mark: 'revoked' as const,
}).map(({ owner, ...query }): [string, Query] => [
  named('host keys', { ...query, ...(owner && { owner }) }),
  async (db, { orgId }) => {
    await hostKeys.listHostKeys(db, orgId, { query, owner })
    const cursor = encodeCursor({ list: 'known_host_keys', ...query }, [newId<HostKeyId>()])
    await hostKeys.listHostKeys(db, orgId, { query: { ...query, cursor }, owner })
  },
])

const USUAL_LISTS: [string, Query][] = [
  ...(['running', 'completed'] as const).map((status): [string, Query] => [
    `commands that are ${status}`,
    (db, { orgId }) => commands.listCommands(db, orgId, { query: { status }, owner: undefined }),
  ]),
  [
    'journal entries of what succeeded',
    (db, { orgId }) => journal.listEntries(db, orgId, { filter: { outcome: 'success' }, limit: 51 }),
  ],
]

const RULE_LISTS = choices({ userId }).map((query): [string, Query] => [
  named('access rules', query),
  async (db, { orgId }) => {
    await accessRules.listAccessRules(db, orgId, query)
    const cursor = encodeCursor({ list: 'access_rules', ...query }, [newId<AccessRuleId>()])
    await accessRules.listAccessRules(db, orgId, { ...query, cursor })
  },
])

const loginId = newId<LoginId>()
const tokenId = newId<ApiTokenId>()

const API_TOKEN_LIST: [string, Query] = [
  'API tokens of a user',
  async (db, { orgId, alice }) => {
    await apiTokens.listApiTokens(db, orgId, { userId: alice, query: {} })
    const cursor = encodeCursor({ list: 'api_tokens', userId: alice }, [tokenId])
    await apiTokens.listApiTokens(db, orgId, { userId: alice, query: { cursor } })
  },
]

const INVITE_LIST: [string, Query] = [
  'invites',
  async (db, { orgId }) => {
    await invites.listInvites(db, orgId, {})
    const cursor = encodeCursor({ list: 'invites' }, [newId<InviteId>()])
    await invites.listInvites(db, orgId, { cursor })
    await invites.findInviteAcrossOrgs(db, newId<InviteId>())
  },
]

const LOGIN_LIST: [string, Query] = [
  'where a user is signed in',
  async (db, { orgId, alice }) => {
    await logins.listLiveLogins(db, orgId, { userId: alice, at: 1, query: {} })
    const cursor = encodeCursor({ list: 'logins', userId: alice }, [loginId])
    await logins.listLiveLogins(db, orgId, { userId: alice, at: 1, query: { cursor } })
  },
]

const credentialId = newId<CredentialId>()

const CREDENTIALS: [string, Query][] = [
  [
    'credentials',
    async (db, { orgId }) => {
      await credentials.listCredentials(db, orgId, {})
      const cursor = encodeCursor({ list: 'credentials' }, [credentialId])
      await credentials.listCredentials(db, orgId, { cursor })
    },
  ],
  ['a credential', (db, { orgId }) => credentials.findCredential(db, orgId, credentialId)],
  ['a secret', (db, { orgId }) => credentials.findSealedSecret(db, orgId, credentialId)],
  ['how many credentials', (db, { orgId }) => credentials.countCredentials(db, orgId)],
  [
    'secrets of a master key',
    (db) => credentials.listSecretsOfMasterKeyAcrossOrgs(db, { keyId: '00000001', limit: 100 }),
  ],
]

const targetId = newId<TargetId>()

const TARGETS: [string, Query][] = [
  [
    'all targets',
    async (db, { orgId }) => {
      await targets.listTargetsBefore(db, orgId, { before: undefined, limit: 2000 })
      await targets.listTargetsBefore(db, orgId, { before: targetId, limit: 2000 })
    },
  ],
  ['a target', (db, { orgId }) => targets.findTarget(db, orgId, targetId)],
  [
    'the names beside targets',
    (db, { orgId }) => targets.listNamesFor(db, orgId, [{ credentialId, jumpTargetId: targetId }]),
  ],
  ['what is behind a target', (db, { orgId }) => targets.findNameBehind(db, orgId, targetId)],
  ['how many targets', (db, { orgId }) => targets.countTargets(db as never, orgId)],
  [
    'pins of targets',
    (db, { orgId }) => hostKeys.listPinsOfHosts(db, orgId, ['h1.example.com', 'h2.example.com']),
  ],
]

const walk = { from: [targetId, newId<TargetId>()], limit: 9 }

/** What is walked over in them is the way that was found so far, and not a table. */
const WAYS: [string, Query][] = [
  ['the ways to targets', (db, { orgId }) => targetWays.listWaysTo(db, orgId, walk)],
  ['the ways behind targets', (db, { orgId }) => targetWays.listWaysBehind(db, orgId, walk)],
]

const OTHERS: [string, Query][] = [
  ...CREDENTIALS,
  ...RECORDINGS,
  ...TARGETS,
  API_TOKEN_LIST,
  INVITE_LIST,
  LOGIN_LIST,
  ['an API token', (db) => apiTokens.findApiTokenAcrossOrgs(db, tokenId)],
  [
    'good API tokens of a user',
    (db, { orgId, alice }) => apiTokens.countLiveApiTokens(db, orgId, { userId: alice, at: 1 }),
  ],
  [
    'the use of an API token',
    (db, { orgId }) => apiTokens.noteApiTokenUse(db, orgId, { id: tokenId, at: 2, ifBefore: 1 }),
  ],
  [
    'all access rules',
    async (db, { orgId }) => {
      await accessRules.listAccessRulesAfter(db, orgId, { after: undefined, limit: 1000 })
      await accessRules.listAccessRulesAfter(db, orgId, { after: newId<AccessRuleId>(), limit: 1000 })
    },
  ],
  ['an access rule', (db, { orgId }) => accessRules.findAccessRule(db, orgId, newId<AccessRuleId>())],
  ['how many access rules', (db, { orgId }) => accessRules.countAccessRules(db as never, orgId)],
  ['the revision of an inventory', (db, { orgId }) => findInventoryRevision(db, orgId)],
  ['people', (db, { orgId }) => users.listPeople(db, orgId, {})],
  ['people by role', (db, { orgId }) => users.listPeople(db, orgId, { role: 'admin' })],
  [
    'journal entries forward',
    (db, { orgId }) => journal.listEntriesForward(db, orgId, { afterSeq: 9, limit: 99 }),
  ],
  ['the hash at a place', (db, { orgId }) => journal.findHashAt(db, orgId, 9)],
  ['one session', (db, { orgId }) => sessions.findSession(db, orgId, sessionId)],
  ['one command', (db, { orgId }) => commands.findCommand(db, orgId, newId<CommandId>())],
  ['live sessions', (db, { orgId, alice }) => sessions.countLiveSessions(db, orgId, alice)],
  [
    'pins',
    (db, { orgId, alice }) =>
      hostKeys.listPinsFor(db, orgId, {
        ...{ host: 'h1.example.com', port: 22, via: null, userId: alice },
        fingerprint: 'SHA256:x',
      }),
  ],
  [
    'pins of one place',
    async (db, { orgId, alice }) => {
      const place = { host: 'h1.example.com', port: 22, via: null }
      await hostKeys.listPinsTrustedBy(db, orgId, { ...place, userId: alice })
      await hostKeys.listTrustedPinsAt(db, orgId, { ...place, userId: null })
      await hostKeys.findPin(db, orgId, { ...place, userId: null, fingerprint: 'SHA256:x' })
    },
  ],
  ['pins of one user', (db, { orgId, alice }) => hostKeys.countPinsOfUser(db, orgId, alice)],
  [
    'pins of some hosts',
    (db, { orgId }) => hostKeys.listPinsOfHosts(db, orgId, ['h1.example.com', 'h2.example.com']),
  ],
  [
    'pins of some places',
    async (db, { orgId }) => {
      const hosts = ['h1.example.com', 'h2.example.com']
      await hostKeys.listPinsOfPlaces(
        db,
        orgId,
        hosts.map((host) => ({ host, port: 22 })),
      )
    },
  ],
  [
    'patterns of hosts',
    async (db, { orgId }) => {
      await hostKeys.listTrustedPatterns(db, orgId, { after: null, limit: 500 })
      await hostKeys.listTrustedPatterns(db, orgId, { after: newId<HostKeyId>(), limit: 500 })
      await hostKeys.countPinsOfOrg(db, orgId)
    },
  ],
  ['one host key', (db, { orgId }) => hostKeys.findHostKey(db, orgId, newId<HostKeyId>())],
  ['other admins', (db, { orgId, alice }) => countOtherAdmins(db as never, orgId, alice)],
  ['standing', (db, { orgId, alice }) => findStanding(db, orgId, { userId: alice, loginId })],
  ['a login', (db) => logins.findLoginAcrossOrgs(db, loginId)],
  ['logins of a user', (db, { orgId }) => logins.revokeLoginsOfUser(db as never, orgId, { userId, at: 1 })],
  ['expired logins', (db) => logins.deleteExpiredLoginsAcrossOrgs(db, 1)],
  ['a user by name', (db) => users.findSignInCandidateAcrossOrgs(db, 'somebody')],
  [
    'an external user',
    (db, { orgId }) =>
      users.findExternalUser(db, orgId, { issuer: 'https://login.example.com', subject: 'x' }),
  ],
  ['orphan sessions', (db) => sessions.listOrphanSessionsAcrossOrgs(db, { livingNodes: [NODE], limit: 200 })],
  ['orphan commands', (db) => commands.listOrphanCommandsAcrossOrgs(db, { livingNodes: [NODE], limit: 200 })],
]

// Partial indexes over what is live right now: reading all of one is not reading the table.
const OF_STATEMENT = /^SCAN \d+ CONSTANT ROWS$/
const LIVE_ROWS = /USING (COVERING )?INDEX (sessions_live|command_logs_running|recordings_running)$/

const isFullScan = (step: string) =>
  /Seq Scan on/.test(step) || (/^SCAN /.test(step) && !LIVE_ROWS.test(step) && !OF_STATEMENT.test(step))

describeOnBothDatabases('plans', (openTestDatabase, kind) => {
  let opened: OpenedTestDatabase
  let org: SeededOrg
  beforeAll(async () => {
    opened = await openTestDatabase()
    // SQLite's planner counts no rows.
    org = await fillTables(opened.database, kind === 'sqlite' ? 2 : 400)
  })
  afterAll(() => opened[Symbol.asyncDispose]())

  async function plansOf(query: Query): Promise<string[]> {
    const statements = await recordStatements(opened.database, (db) => query(db, org))
    expect(statements).not.toEqual([])
    const plans = await Promise.all(statements.map((statement) => explain(opened.database, statement)))
    return plans.flat()
  }

  test.each([
    ...SESSION_LISTS,
    ...COMMAND_LISTS,
    ...RECORDING_LISTS,
    ...JOURNAL_LISTS,
    ...HOST_KEY_LISTS,
    ...RULE_LISTS,
    ...USUAL_LISTS,
    ...OTHERS,
  ])('no full scan for %s', async (_name, query) => {
    expect((await plansOf(query)).filter(isFullScan)).toEqual([])
  })

  test.each(WAYS)('no full scan of targets for %s', async (_name, query) => {
    const scans = (await plansOf(query)).filter(isFullScan)
    expect(scans.filter((step) => /targets/.test(step) || /^SCAN t\b/.test(step))).toEqual([])
  })

  test('a full scan would be noticed', async () => {
    const plan = await plansOf((db) =>
      db.selectFrom('sessions').selectAll().where('client_ip', '=', '192.0.2.1').execute(),
    )
    expect(plan.filter(isFullScan)).toHaveLength(1)
  })

  const ORDERED = [
    ...SESSION_LISTS,
    ...COMMAND_LISTS,
    ...RECORDING_LISTS,
    ...JOURNAL_LISTS,
    ...HOST_KEY_LISTS,
    ...RULE_LISTS,
    ...USUAL_LISTS,
    API_TOKEN_LIST,
  ]
  test.each(ORDERED.filter(([name]) => !name.includes(',')))(
    'an index gives the order for %s',
    async (_name, query) => {
      expect((await plansOf(query)).filter((step) => /TEMP B-TREE/.test(step))).toEqual([])
    },
  )

  test.each([
    ['commands by status', 'command_logs_unusual'],
    ['commands that are running', 'command_logs_running'],
    ['journal entries by outcome', 'journal_entries_unusual'],
  ])('%s are found among the few, not among all', async (list, index) => {
    const [, query] =
      [...COMMAND_LISTS, ...JOURNAL_LISTS, ...USUAL_LISTS].find(([name]) => name === list) ?? []
    const plan = await plansOf(query as Query)
    expect(new Set(plan.join('\n').match(/\w+_(pkey|unusual|running|by_\w+)/g))).toEqual(new Set([index]))
  })
})
