import { createTempDir } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { krown } from '../support/krown.js'
import { result, startStrangeServer } from '../support/strange-server.js'

const ID = '01890a5d-ac96-774b-bcce-b302099a8057'
const EVIL = '\u001b[2J\u001b]0;pwned\u0007\nkrown: all is well'
// biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
const CONTROL = /[\u0000-\u0009\u000b-\u001f\u007f-\u009f]/

const FIELDS = `
  id username role email auditScope name token status statusReason host port userId sessionId
  authMethod hostKeyFingerprint bytesIn bytesOut command errorCode signal createdAt connectedAt
  lastActivityAt lastLoginAt lastUsedAt startedAt finishedAt endedAt stdout stderr stdoutBytes
  stderrBytes disabled hostKeyNewlyPinned ok entries erased headSeq headHash seq at action outcome
  resourceId actorKind selector reason ownerName targetName subjectName
`
const evil = {
  ...Object.fromEntries(
    FIELDS.trim()
      .split(/\s+/)
      .map((name) => [name, EVIL]),
  ),
  exitCode: null,
  durationMs: null,
  expiresAt: null,
  revokedAt: null,
  rule: null,
  scopes: [EVIL],
  capabilities: ['adhoc_hosts', EVIL],
  verbs: [EVIL],
  remoteUsernames: [EVIL],
  subject: { kind: 'role', role: EVIL },
  facts: { [EVIL]: EVIL },
}
const login = {
  user: evil,
  accessToken: 'x',
  expiresIn: 900,
  refreshToken: 'y',
}

describe('F28: a server that writes escape sequences in every field reaches no terminal by', () => {
  const dataOf = (procedure: string) => {
    if (procedure.endsWith('.list')) return { items: [evil], nextCursor: EVIL }
    return procedure === 'auth.login' ? login : evil
  }

  test.each([
    [['whoami'], 5],
    [['sessions', 'open', 'ada@host', '--password-stdin'], 0],
    [['sessions', 'close', ID], 0],
    [['sessions', 'show', ID], 13],
    [['sessions', 'ls', '--limit', '1'], 1],
    [['commands', 'cancel', ID], 0],
    [['commands', 'show', ID], 20],
    [['commands', 'ls', '--limit', '1'], 1],
    [['users', 'create', 'bob', '--password-stdin'], 0],
    [['users', 'set-role', ID, 'admin'], 0],
    [['users', 'enable', ID], 0],
    [['users', 'disable', ID], 0],
    [['users', 'ls', '--limit', '1'], 1],
    [['access', 'grant', '*', '--role', 'operator'], 0],
    [['access', 'revoke', ID], 0],
    [['access', 'explain', ID, ID, 'exec'], 0],
    [['access', 'ls', '--limit', '1'], 1],
    [['tokens', 'create', 'nightly'], 0],
    [['tokens', 'revoke', ID], 0],
    [['tokens', 'ls', '--limit', '1'], 1],
    [['journal', 'verify'], 0],
    [['journal', 'ls', '--limit', '1'], 1],
  ])('%j, and adds no line of its own', async (args, linesAfterTheFirst) => {
    await using server = await startStrangeServer((procedure) => result(dataOf(procedure)))
    const { stdout, stderr } = await krown(args, { env: server.env, stdin: 'a long enough password\n' })
    expect(stdout).toContain('\\x1b[2J\\x1b]0;pwned\\x07')
    expect(stdout + stderr).not.toMatch(CONTROL)
    expect(stdout.trimEnd().split('\n')).toHaveLength(linesAfterTheFirst + 1)
  })

  test('login', async () => {
    await using home = await createTempDir()
    await using server = await startStrangeServer((procedure) => result(dataOf(procedure)))
    const env = { HOME: home.path, KROWN_URL: server.env.KROWN_URL }
    const args = ['login', '--username', 'ada', '--password-stdin']
    const { stdout } = await krown(args, { env, stdin: 'a long enough password\n' })
    expect(stdout).toMatch(/^signed in to \S+ as \\x1b\[2J\\x1b\]0;pwned\\x07\\n.*\n$/)
    expect(stdout).not.toMatch(CONTROL)
  })
})

describe('a server whose answers are of other types than they should be', () => {
  const page = (item: unknown) => ({ items: [item], nextCursor: null })
  const refusal = (details: unknown) => ({
    error: { message: '', code: -32603, data: { krown: { code: 'CONFLICT', kind: 'conflict', details } } },
  })

  test.each([
    [['whoami'], result(null)],
    [['whoami'], result({ username: 7, lastLoginAt: {} })],
    [['sessions', 'ls'], result(page(null))],
    [['sessions', 'ls'], result({ items: {} })],
    [['commands', 'ls'], result(page({ id: [], startedAt: 1 }))],
    [['commands', 'show', ID], result({ ...evil, stdout: 5 })],
    [['journal', 'ls'], result(page({ seq: 1, at: 2, facts: 'x' }))],
    [['users', 'set-role', 'bob', 'admin'], result(page(null))],
    [['whoami'], refusal({ fields: [null] })],
    [['whoami'], refusal({ reason: { toString: 'x' } })],
  ])('%j: it is said, with no word of where in the program', async (args, answer) => {
    await using server = await startStrangeServer(() => answer)
    const { exitCode, stdout, stderr } = await krown(args, { env: server.env })
    expect([exitCode, stdout]).toEqual([1, ''])
    expect(stderr).toMatch(/^krown: the answer of the server was not understood: .*\n {2}.*versions differ/)
    expect(stderr).not.toMatch(/\n *at |file:|\.js:/)
  })
})

test('a server that answers with somebody else than who was asked for changes nobody', async () => {
  const page = { items: [{ username: 'ada' }], nextCursor: 'more' }
  await using server = await startStrangeServer(() => result(page))
  const { exitCode, stderr } = await krown(['users', 'set-role', 'bob', 'admin'], { env: server.env })
  expect([exitCode, stderr]).toEqual([5, expect.stringContaining('there is no user bob')])
  expect(server.called).toEqual(['users.list'])
})
