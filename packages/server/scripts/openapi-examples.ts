import type { RouterInputs, RouterOutputs } from '../src/trpc/app-router.js'
import {
  accessRule,
  apiToken,
  cancelledCommand,
  channel,
  closedSession,
  command,
  commandSummary,
  credential,
  hostKey,
  ID,
  invite,
  journalEntry,
  login,
  newApiToken,
  newInvite,
  newUser,
  place,
  rebuilt,
  recording,
  session,
  shellSummary,
  target,
  tokens,
  user,
} from './openapi-example-entities.js'

interface Example {
  readonly input?: Readonly<Record<string, unknown>>
  readonly output?: unknown
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
  'channels.openShell': {
    input: { sessionId: ID.session, term: 'xterm-256color', columns: 120, rows: 40 },
    output: { ...channel, end: 0, attached: [] },
  },
  'channels.list': { input: { sessionId: ID.session }, output: { items: [channel] } },
  'channels.get': { input: { channelId: ID.channel }, output: channel },
  'channels.write': { input: { channelId: ID.channel, data: 'uptime\n' } },
  'channels.resize': { input: { channelId: ID.channel, columns: 100, rows: 30 } },
  'channels.signal': { input: { channelId: ID.channel, signal: 'INT' } },
  'channels.takeOver': { input: { channelId: ID.channel }, output: { ...channel, attached: [] } },
  'channels.close': { input: { channelId: ID.channel }, output: shellSummary },
  'recordings.list': { input: { sessionId: ID.session, limit: 50 }, output: page(recording) },
  'recordings.get': { input: { recordingId: ID.recording }, output: recording },
  'recordings.delete': {
    input: { recordingId: ID.recording },
    output: { ...recording, status: 'deleted', deletedAt: '2026-11-23T16:20:00.000Z' },
  },
  'recordings.createTicket': {
    input: { recordingId: ID.recording, format: 'html' },
    output: {
      ticket: 'krn_tkt_0TheSecretOfThisExampleIsNoSecretOfAnybod0',
      expiresAt: '2026-11-22T10:01:00.000Z',
    },
  },
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
      counts: { pinned: 1, known: 0, revoked: 0, kept: 0, pattern: 0, conflict: 0, skipped: 0 },
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
  'accessRules.delete': {
    input: { ruleId: ID.rule },
    output: { ...accessRule, tokenUnlimited: false },
  },
  'accessRules.explain': {
    input: { userId: ID.user, targetId: ID.target, verb: 'exec' },
    output: { allowed: true, reason: 'rule', rule: accessRule, token: null },
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
      capabilities: ['sessions', 'commands', 'journal', 'users', 'tokens', 'targets', 'adhoc_hosts'],
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
