// One of everything that the API answers with, all of one story.

export const ID = {
  org: '01932c1e-0000-7000-8000-000000000001',
  user: '01932c1e-7c3a-7d1e-9b1f-2a6c5d4e3f01',
  login: '01932c1e-7c3a-7d1e-9b1f-2a6c5d4e3f02',
  token: '01932c1e-9a10-7e2f-8c40-3b7d6e5f4a06',
  invite: '01932c1e-a510-7d2e-8c40-3b7d6e5f4a08',
  session: '01932c1f-10b4-7a52-8c11-6f2b9e7d4a03',
  command: '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b04',
  channel: '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b10',
  recording: '01932c1f-5e20-7b63-a4d7-0c8e1f9a2b12',
  entry: '01932c1f-5e21-7c74-b5e8-1d9f2a0b3c05',
  rule: '01932c1e-b330-7a42-8e63-5d9f8a7b6c08',
  credential: '01932c1e-a220-7f31-9d52-4c8e7f6a5b07',
  hostKey: '01932c1e-a830-7a42-8e63-5d9f8a7b6c09',
  target: '01932c1e-b310-7a42-8e63-5d9f807b6c08',
}

export const user = {
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

export const newUser = { ...user, role: 'readonly', lastLoginAt: null }

export const tokens = {
  accessToken: 'eyJhbGciOiJIUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6IjEifQ.eyJzdWIiOiJhZGEifQ.c2lnbmF0dXJl',
  tokenType: 'Bearer',
  expiresIn: 600,
  refreshToken:
    'krn_rt_01932c1e7c3a7d1e9b1f2a6c5d4e3f02.kqz3Vd0u0P9sYw6t2m8x1c4b7n5a3e0rkqz3Vd0u0P9.Yw6t2m8x1c4b7n5a3e0rkq',
  user,
}

export const apiToken = {
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

export const newApiToken = {
  ...apiToken,
  token: 'krn_pat_01932c1e9a107e2f8c403b7d6e5f4a06_0TheSecretOfThisExampleIsNoSecretOfAnybody0_0ABCDE',
}

export const login = {
  id: ID.login,
  current: true,
  createdAt: '2026-11-22T09:31:12.480Z',
  lastUsedAt: '2026-11-22T09:51:12.480Z',
  expiresAt: '2026-11-29T09:51:12.480Z',
  clientIp: '203.0.113.7',
  userAgent: 'krown/0.1.0',
}

export const invite = {
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

export const newInvite = {
  ...invite,
  token: 'krn_inv_01932c1ea5107d2e8c403b7d6e5f4a08_0TheSecretOfThisExampleIsNoSecretOfAnybody0_0ABCDE',
}

export const session = {
  id: ID.session,
  orgId: ID.org,
  userId: ID.user,
  ownerName: 'ada',
  targetId: null,
  targetName: null,
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

export const closedSession = {
  ...session,
  status: 'disconnected',
  statusReason: 'closed_by_user',
  endedAt: '2026-11-22T09:40:00.000Z',
}

export const commandSummary = {
  id: ID.command,
  sessionId: ID.session,
  userId: ID.user,
  kind: 'exec',
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
  recordingId: ID.recording,
  recordingOffsetMs: 61_400,
}

export const shellSummary = {
  ...commandSummary,
  id: ID.channel,
  kind: 'shell',
  command: '',
  status: 'cancelled',
  exitCode: null,
  signal: 'HUP',
  stdoutBytes: 1184,
  killed: 'confirmed',
  finishedAt: '2026-11-22T09:39:00.000Z',
  durationMs: 360_000,
}

export const recording = {
  id: ID.recording,
  orgId: ID.org,
  sessionId: ID.session,
  userId: ID.user,
  kind: 'session',
  commandId: null,
  status: 'closed',
  startedAt: '2026-11-22T09:31:58.600Z',
  endedAt: '2026-11-22T09:40:00.000Z',
  durationMs: 481_400,
  fileBytes: 5_184,
  plainBytes: 4_711,
  sha256: '2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae',
  lostBytes: 0,
  deletedAt: null,
}

export const channel = {
  id: ID.channel,
  sessionId: ID.session,
  userId: ID.user,
  kind: 'shell',
  command: '',
  terminal: { term: 'xterm-256color', columns: 120, rows: 40 },
  startedAt: '2026-11-22T09:33:00.000Z',
  heldFrom: 0,
  end: 1184,
  keyboard: ID.user,
  attached: [{ userId: ID.user, role: 'driver', since: '2026-11-22T09:33:00.120Z' }],
}

export const command = {
  ...commandSummary,
  stdout: 'Linux 6.1.0\n',
  stderr: '',
  stdoutEncoding: 'utf8',
  stderrEncoding: 'utf8',
}

export const cancelledCommand = {
  ...command,
  status: 'cancelled',
  exitCode: null,
  signal: 'TERM',
  killed: 'confirmed',
}

export const journalEntry = {
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

export const credential = {
  id: ID.credential,
  orgId: ID.org,
  name: 'deploy on build',
  kind: 'private_key',
  fingerprint: 'SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDmqZ5ZJ1vq1GgmBXo',
  createdAt: '2026-11-22T09:36:00.000Z',
  updatedAt: '2026-11-22T09:36:00.000Z',
}

export const target = {
  id: ID.target,
  orgId: ID.org,
  name: 'build',
  host: 'build.example.com',
  port: 22,
  username: 'deploy',
  tags: ['ci', 'env=prod'],
  credentialId: ID.credential,
  credentialName: 'deploy on build',
  jumpTargetId: null,
  jumpTargetName: null,
  legacyAlgorithms: false,
  description: 'Builds and tests',
  hostKeyFingerprints: ['SHA256:hWq0x6Yy6xw0bX1nJ3m0aVtWn3w7d1m0l0X8eZk3y3E'],
  createdAt: '2026-11-22T09:37:00.000Z',
  updatedAt: '2026-11-22T09:37:00.000Z',
}

export const hostKey = {
  id: ID.hostKey,
  orgId: ID.org,
  userId: null,
  ownerName: null,
  host: 'build.example.com',
  port: 22,
  viaTargetId: null,
  viaTargetName: null,
  algorithm: 'ssh-ed25519',
  fingerprint: session.hostKeyFingerprint,
  mark: 'trusted',
  source: 'admin',
  reason: 'read from the console',
  pinnedBy: ID.user,
  createdAt: '2026-11-22T09:37:00.000Z',
}

export const place = { host: hostKey.host, port: 22 }

export const rebuilt = {
  targetId: '01932c1e-b040-7b53-9f74-6ea09b8c7d0a',
  name: 'build',
  ...place,
  outcome: 'replaced',
  before: ['SHA256:uNiVztksCsDhcc0u9e8BgrJXVGDmqZ5ZJ1vq1GgmBXo'],
  fingerprint: hostKey.fingerprint,
  algorithm: 'ssh-ed25519',
  errorCode: null,
}

export const accessRule = {
  id: ID.rule,
  orgId: ID.org,
  subject: { kind: 'user', userId: ID.user },
  subjectName: 'ada',
  selector: 'name:web* tag:prod and not tag:db',
  verbs: ['exec', 'shell'],
  remoteUsernames: ['deploy'],
  expiresAt: '2026-11-29T09:37:00.000Z',
  reason: 'release of week 48',
  grantedBy: ID.user,
  createdAt: '2026-11-22T09:37:00.000Z',
}
