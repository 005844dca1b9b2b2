import type { RouterInputs, RouterOutputs } from '../src/trpc/app-router.js'

interface Example {
  readonly input?: Readonly<Record<string, unknown>>
  readonly output?: unknown
}

const ID = {
  org: '01932c1e-0000-7000-8000-000000000001',
  user: '01932c1e-7c3a-7d1e-9b1f-2a6c5d4e3f01',
  login: '01932c1e-7c3a-7d1e-9b1f-2a6c5d4e3f02',
  token: '01932c1e-9a10-7e2f-8c40-3b7d6e5f4a06',
  invite: '01932c1e-a510-7d2e-8c40-3b7d6e5f4a08',
  session: '01932c1f-10b4-7a52-8c11-6f2b9e7d4a03',
  command: '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b04',
  entry: '01932c1f-5e21-7c74-b5e8-1d9f2a0b3c05',
  rule: '01932c1e-b330-7a42-8e63-5d9f8a7b6c08',
  credential: '01932c1e-a220-7f31-9d52-4c8e7f6a5b07',
  hostKey: '01932c1e-a830-7a42-8e63-5d9f8a7b6c09',
  target: '01932c1e-b310-7a42-8e63-5d9f807b6c08',
}

const user = {
  id: ID.user,
  orgId: ID.org,
  username: 'ada',
  email: 'ada@example.com',
  role: 'operator',
  auditScope: 'own',
  disabled: false,
  createdAt: '2026-11-22T09:30:00.000Z',
  lastLoginAt: '2026-11-22T09:31:12.480Z',
}

const newUser = { ...user, role: 'readonly', lastLoginAt: null }

const tokens = {
  accessToken: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl',
  tokenType: 'Bearer',
  expiresIn: 600,
  refreshToken:
    'krn_rt_01932c1e7c3a7d1e9b1f2a6c5d4e3f02.kqz3Vd0u0P9sYw6t2m8x1c4b7n5a3e0rkqz3Vd0u0P9.Yw6t2m8x1c4b7n5a3e0rkq',
  user,
}

const apiToken = {
  id: ID.token,
  orgId: ID.org,
  userId: ID.user,
  name: 'nightly backup',
  scopes: ['session:open', 'session:execute', 'session:close'],
  createdAt: '2026-11-22T09:35:00.000Z',
  expiresAt: '2027-02-20T09:35:00.000Z',
  lastUsedAt: null,
  revokedAt: null,
}

const newApiToken = {
  ...apiToken,
  token: 'krn_pat_01932c1e9a107e2f8c403b7d6e5f4a06_0TheSecretOfThisExampleIsNoSecretOfAnybody0_0ABCDE',
}

const login = {
  id: ID.login,
  current: true,
  createdAt: '2026-11-22T09:31:12.480Z',
  lastUsedAt: '2026-11-22T09:51:12.480Z',
  expiresAt: '2026-11-29T09:51:12.480Z',
  clientIp: '203.0.113.7',
  userAgent: 'krown/0.1.0',
}

const invite = {
  id: ID.invite,
  orgId: ID.org,
  role: 'operator',
  note: 'Grace, operations',
  createdBy: ID.user,
  createdAt: '2026-11-22T09:36:00.000Z',
  expiresAt: '2026-11-29T09:36:00.000Z',
  usedAt: null,
  usedBy: null,
  revokedAt: null,
}

const newInvite = {
  ...invite,
  token: 'krn_inv_01932c1ea5107d2e8c403b7d6e5f4a08_0TheSecretOfThisExampleIsNoSecretOfAnybody0_0ABCDE',
}

const session = {
  id: ID.session,
  orgId: ID.org,
  userId: ID.user,
  targetId: null,
  host: 'build.example.com',
  port: 22,
  username: 'deploy',
  authMethod: 'password',
  status: 'connected',
  statusReason: null,
  hostKeyFingerprint: 'SHA256:47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU',
  hostKeyNewlyPinned: true,
  createdAt: '2026-11-22T09:32:00.000Z',
  connectedAt: '2026-11-22T09:32:00.142Z',
  lastActivityAt: '2026-11-22T09:32:00.142Z',
  endedAt: null,
  bytesIn: 0,
  bytesOut: 0,
}

const closedSession = {
  ...session,
  status: 'disconnected',
  statusReason: 'closed_by_user',
  endedAt: '2026-11-22T09:40:00.000Z',
}

const commandSummary = {
  id: ID.command,
  sessionId: ID.session,
  userId: ID.user,
  command: 'uname -sr',
  status: 'completed',
  exitCode: 0,
  signal: null,
  errorCode: null,
  stdoutBytes: 12,
  stderrBytes: 0,
  stdoutTruncated: false,
  stderrTruncated: false,
  killed: null,
  startedAt: '2026-11-22T09:33:00.000Z',
  finishedAt: '2026-11-22T09:33:00.009Z',
  durationMs: 9,
}

const command = {
  ...commandSummary,
  stdout: 'Linux 6.1.0\n',
  stderr: '',
  stdoutEncoding: 'utf8',
  stderrEncoding: 'utf8',
}

const cancelledCommand = {
  ...command,
  status: 'cancelled',
  exitCode: null,
  signal: 'TERM',
  killed: 'confirmed',
}

const journalEntry = {
  id: ID.entry,
  orgId: ID.org,
  seq: 42,
  at: '2026-11-22T09:33:00.000Z',
  action: 'command.started',
  outcome: 'success',
  actorKind: 'login',
  actorUserId: ID.user,
  actorTokenId: null,
  resourceKind: 'command',
  resourceId: ID.command,
  facts: { sessionId: ID.session },
  details: { username: 'ada', command: 'uname -sr' },
  hash: '9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08',
  prevHash: '60303ae22b998861bce3b28f33eec1be758a213c86c93c076dbe9f558c11c752',
}

const credential = {
  id: ID.credential,
  orgId: ID.org,
  name: 'deploy on build',
  kind: 'private_key',
  fingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDmqZ5ZJ1vq1GgmBXo',
  createdAt: '2026-11-22T09:36:00.000Z',
  updatedAt: '2026-11-22T09:36:00.000Z',
}

const target = {
  id: ID.target,
  orgId: ID.org,
  name: 'build',
  host: 'build.example.com',
  port: 22,
  username: 'deploy',
  tags: ['ci', 'env=prod'],
  credentialId: ID.credential,
  jumpTargetId: null,
  legacyAlgorithms: false,
  description: 'Builds and tests',
  hostKeyFingerprints: ['SHA256:hWq0x6Yy6xw0bX1nJ3m0aVtWn3w7d1m0l0X8eZk3y3E'],
  createdAt: '2026-11-22T09:37:00.000Z',
  updatedAt: '2026-11-22T09:37:00.000Z',
}

const hostKey = {
  id: ID.hostKey,
  orgId: ID.org,
  userId: null,
  host: 'build.example.com',
  port: 22,
  viaTargetId: null,
  algorithm: 'ssh-ed25519',
  fingerprint: session.hostKeyFingerprint,
  mark: 'trusted',
  source: 'admin',
  reason: 'read from the console',
  pinnedBy: ID.user,
  createdAt: '2026-11-22T09:37:00.000Z',
}

const place = { host: hostKey.host, port: 22 }

const rebuilt = {
  targetId: '01932c1e-b040-7b53-9f74-6ea09b8c7d0a',
  name: 'build',
  ...place,
  outcome: 'replaced',
  before: ['SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDmqZ5ZJ1vq1GgmBXo'],
  fingerprint: hostKey.fingerprint,
  algorithm: 'ssh-ed25519',
  errorCode: null,
}

const accessRule = {
  id: ID.rule,
  orgId: ID.org,
  subject: { kind: 'user', userId: ID.user },
  selector: 'name:web* tag:prod and not tag:db',
  verbs: ['exec', 'shell'],
  remoteUsernames: ['deploy'],
  expiresAt: '2026-11-29T09:37:00.000Z',
  reason: 'release of week 48',
  grantedBy: ID.user,
  createdAt: '2026-11-22T09:37:00.000Z',
}

const page = (item: unknown) => ({ items: [item], nextCursor: null })

type Path = {
  [R in keyof RouterInputs & string]: `${R}.${keyof RouterInputs[R] & string}`
}[keyof RouterInputs & keyof RouterOutputs & string]

type TrpcOnly =
  | 'auth.reauthenticate'
  | 'commands.closeStdin'
  | 'commands.output'
  | 'commands.start'
  | 'commands.write'
  | 'journal.follow'
  | 'sessions.events'

/** A request and its answer for every procedure that REST has; a test holds them against the schemas. */
export const examples: Readonly<Record<Exclude<Path, TrpcOnly>, Example>> = {
  'auth.register': {
    input: { username: 'ada', password: 'correct horse battery', email: 'ada@example.com' },
    output: newUser,
  },
  'auth.login': { input: { username: 'ada', password: 'correct horse battery' }, output: tokens },
  'auth.refresh': { input: { refreshToken: tokens.refreshToken }, output: tokens },
  'auth.logout': {},
  'auth.me': { output: user },
  'auth.changePassword': {
    input: { currentPassword: 'correct horse battery', newPassword: 'staple battery horse' },
  },
  'logins.list': { input: { limit: 50 }, output: page(login) },
  'logins.end': { input: { loginId: ID.login } },
  'invites.list': { input: { limit: 50 }, output: page(invite) },
  'invites.create': { input: { role: 'operator', note: invite.note }, output: newInvite },
  'invites.revoke': {
    input: { inviteId: ID.invite },
    output: { ...invite, revokedAt: '2026-11-23T16:20:00.000Z' },
  },
  'tokens.list': { input: { limit: 50 }, output: page(apiToken) },
  'tokens.create': {
    input: { name: apiToken.name, scopes: apiToken.scopes },
    output: newApiToken,
  },
  'tokens.revoke': {
    input: { tokenId: ID.token },
    output: { ...apiToken, revokedAt: '2026-11-23T16:20:00.000Z' },
  },
  'users.list': { input: { role: 'operator', limit: 50 }, output: page(user) },
  'users.create': {
    input: { username: 'ada', password: 'correct horse battery', email: 'ada@example.com', role: 'operator' },
    output: { ...user, lastLoginAt: null },
  },
  'users.get': { input: { userId: ID.user }, output: user },
  'users.update': { input: { userId: ID.user, role: 'operator' }, output: user },
  'sessions.list': { input: { status: 'connected', limit: 50 }, output: page(session) },
  'sessions.open': {
    input: {
      host: 'build.example.com',
      port: 22,
      username: 'deploy',
      auth: { method: 'password', password: 'the password on build' },
    },
    output: session,
  },
  'sessions.get': { input: { sessionId: ID.session }, output: session },
  'sessions.close': { input: { sessionId: ID.session }, output: closedSession },
  'sessions.execute': {
    input: { sessionId: ID.session, command: 'uname -sr', timeoutMs: 30_000 },
    output: command,
  },
  'sessions.commands': { input: { sessionId: ID.session, limit: 50 }, output: page(commandSummary) },
  'commands.list': {
    input: { status: 'completed', search: 'uname', limit: 50 },
    output: page(commandSummary),
  },
  'commands.get': { input: { commandId: ID.command, waitMs: 10_000 }, output: command },
  'commands.cancel': { input: { commandId: ID.command }, output: cancelledCommand },
  'targets.import': {
    input: {
      targets: [
        { name: 'web1', host: 'web1.example.com', username: 'deploy', tags: ['web'], jump: 'bastion' },
      ],
      dryRun: true,
    },
    output: {
      dryRun: true,
      items: [{ name: 'web1', outcome: 'created', targetId: null, changed: [], reason: null }],
    },
  },
  'targets.list': { input: { selector: 'tag:env=prod and not name:db*', limit: 50 }, output: page(target) },
  'targets.create': {
    input: {
      name: target.name,
      host: target.host,
      username: target.username,
      credentialId: ID.credential,
      tags: target.tags,
      description: target.description,
    },
    output: target,
  },
  'targets.get': { input: { targetId: ID.target }, output: target },
  'targets.update': {
    input: { targetId: ID.target, tags: ['ci'] },
    output: { ...target, tags: ['ci'], updatedAt: '2026-11-22T10:00:00.000Z' },
  },
  'targets.delete': { input: { targetId: ID.target }, output: target },
  'credentials.list': { input: { limit: 50 }, output: page(credential) },
  'credentials.create': {
    input: {
      name: credential.name,
      kind: 'private_key',
      privateKey: '-----BEGIN OPENSSH PRIVATE KEY-----\n…\n-----END OPENSSH PRIVATE KEY-----\n',
      passphrase: 'the passphrase of the key',
    },
    output: credential,
  },
  'credentials.get': { input: { credentialId: ID.credential }, output: credential },
  'credentials.update': {
    input: { credentialId: ID.credential, name: 'deploy on build and test' },
    output: { ...credential, name: 'deploy on build and test', updatedAt: '2026-11-22T10:00:00.000Z' },
  },
  'credentials.delete': { input: { credentialId: ID.credential }, output: credential },
  'hostKeys.list': { input: { host: hostKey.host, limit: 50 }, output: page(hostKey) },
  'hostKeys.create': {
    input: { ...place, fingerprint: hostKey.fingerprint, algorithm: 'ssh-ed25519', reason: hostKey.reason },
    output: hostKey,
  },
  'hostKeys.probe': {
    input: place,
    output: {
      ...place,
      viaTargetId: null,
      algorithm: 'ssh-ed25519',
      fingerprint: hostKey.fingerprint,
      standing: 'trusted',
    },
  },
  'hostKeys.import': {
    input: {
      text: 'build.example.com ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIGQyb2Z0aGlzZXhhbXBsZWlzbm9ib2R5c2tleQ==\n',
      dryRun: true,
    },
    output: {
      dryRun: true,
      counts: { pinned: 1, known: 0, revoked: 0, kept: 0, pattern: 0, skipped: 0 },
      lines: [
        {
          line: 1,
          outcome: 'pinned',
          host: hostKey.host,
          algorithm: 'ssh-ed25519',
          fingerprint: hostKey.fingerprint,
          reason: null,
        },
      ],
    },
  },
  'hostKeys.retrust': {
    input: { selector: 'name:build*', reason: 'rebuilt on 22 November' },
    output: { dryRun: false, targets: [rebuilt] },
  },
  'hostKeys.get': { input: { hostKeyId: ID.hostKey }, output: hostKey },
  'hostKeys.update': {
    input: { hostKeyId: ID.hostKey, mark: 'revoked', reason: 'the disk was sold' },
    output: { ...hostKey, mark: 'revoked', reason: 'the disk was sold' },
  },
  'hostKeys.delete': { input: { hostKeyId: ID.hostKey }, output: hostKey },
  'accessRules.list': { input: { limit: 50 }, output: page(accessRule) },
  'accessRules.create': {
    input: {
      subject: accessRule.subject,
      selector: accessRule.selector,
      verbs: accessRule.verbs,
      remoteUsernames: accessRule.remoteUsernames,
      expiresAt: accessRule.expiresAt,
      reason: accessRule.reason,
    },
    output: accessRule,
  },
  'accessRules.get': { input: { ruleId: ID.rule }, output: accessRule },
  'accessRules.update': {
    input: { ruleId: ID.rule, expiresAt: null },
    output: { ...accessRule, expiresAt: null },
  },
  'accessRules.delete': { input: { ruleId: ID.rule }, output: accessRule },
  'accessRules.explain': {
    input: { userId: ID.user, targetId: ID.target, verb: 'exec' },
    output: { allowed: true, reason: 'rule', rule: accessRule },
  },
  'journal.list': { input: { action: 'command.started', limit: 50 }, output: page(journalEntry) },
  'journal.verify': {
    output: {
      orgId: ID.org,
      ok: true,
      entries: 42,
      erased: 0,
      headSeq: 42,
      headHash: journalEntry.hash,
      firstBreak: null,
    },
  },
  'system.info': {
    output: {
      version: '0.1.0',
      capabilities: ['sessions', 'commands', 'journal'],
      loginMethods: ['password'],
      registration: 'open',
      setupRequired: false,
      limits: {
        commandBytes: 65_536,
        execOutputBytes: 1_048_576,
        maxCommandTimeoutMs: 86_400_000,
        pageLimit: 200,
      },
    },
  },
}
