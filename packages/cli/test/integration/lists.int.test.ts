import { once } from 'node:events'
import { type LocalSshServer, startLocalSshServer, waitFor } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, type Office, PASSWORD, startOffice } from '../support/office.js'

let office: Office
let target: LocalSshServer
let admin: Desk
let operator: Desk
let session: string

beforeAll(async () => {
  office = await startOffice()
  target = await startLocalSshServer()
  admin = await office.desk('admin')
  operator = await office.desk('operator')
  const args = [`${target.username}@${target.host}`, '-p', String(target.port), '--password-stdin']
  const opened = await operator.krown(['sessions', 'open', ...args], { stdin: target.password })
  session = opened.stdout.trim()
})
afterAll(async () => {
  await office[Symbol.asyncDispose]()
  await target.stop()
})

const json = async (desk: Desk, ...args: string[]) => {
  const { stdout, stderr, exitCode } = await desk.krown([...args, '--json'])
  if (exitCode !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

const linesOf = (text: string) => text.trimEnd().split('\n')

describe('sessions', () => {
  test('are listed and shown, for people and for programs', async () => {
    const { stdout } = await operator.krown(['sessions', 'ls'])
    const [titles = '', row = ''] = linesOf(stdout)
    expect(titles).toMatch(/^ID +STATUS +WHO +TARGET +ADDRESS +CREATED +REASON$/)
    const address = `${target.username}@127.0.0.1:${target.port}`
    expect(row).toContain(`${session}  connected  ${operator.username}  -       ${address}`)
    expect(await json(operator, 'sessions', 'ls')).toEqual({
      items: [expect.objectContaining({ id: session })],
      nextCursor: null,
    })
    expect(await json(operator, 'sessions', 'show', session)).toMatchObject({ status: 'connected' })
    expect((await operator.krown(['sessions', 'show', session])).stdout).toContain(
      `host key           ${target.hostKeyFingerprint}`,
    )
  })

  test('B03: of others are not found, with an exit code of its own', async () => {
    const stranger = await office.desk('operator')
    const { exitCode, stderr } = await stranger.krown(['sessions', 'show', session])
    expect([exitCode, stderr]).toEqual([5, expect.stringContaining('(NOT_FOUND)')])
  })

  test('B01: are not opened by who may not', async () => {
    const reader = await office.desk('readonly')
    const args = ['sessions', 'open', `x@${target.host}`, '-p', String(target.port), '--password-stdin']
    const { exitCode, stderr } = await reader.krown(args, { stdin: 'x' })
    expect([exitCode, stderr]).toEqual([4, expect.stringContaining('(FORBIDDEN)')])
  })
})

describe('commands', () => {
  const run = async (command: string) => {
    await operator.krown(['exec', session, '-n', '--', command])
    return (await json(operator, 'commands', 'ls', '--limit', '1')).items[0]
  }

  test('are listed, searched and shown', async () => {
    const { id } = await run('echo a needle; exit 3')
    await run('true')
    const found = await operator.krown(['commands', 'search', 'NEEDLE'])
    expect(linesOf(found.stdout)).toEqual([
      expect.stringMatching(/^ID +STATUS +EXIT +STARTED +TOOK +RECORDING +COMMAND$/),
      expect.stringMatching(new RegExp(`^${id} +completed +3 .* echo a needle; exit 3$`)),
    ])
    expect(await json(operator, 'commands', 'show', id)).toMatchObject({ id, exitCode: 3 })
    expect((await operator.krown(['commands', 'show', id])).stdout).toMatch(/^exit code +3$/m)
  })

  test('F28: that hold escape sequences cannot write to the terminal of who lists them', async () => {
    const evil = "printf x '\u001b]52;c;ZXZpbA==\u0007\u001b[2J\u009b31m\u202etxt.exe'"
    const { id } = await run(evil)
    for (const args of [['ls'], ['search', '52;c'], ['show', id], ['ls', '--json'], ['show', id, '--json']]) {
      const { stdout } = await operator.krown(['commands', ...args])
      expect(stdout).toContain(args.includes('--json') ? '\\u001b]52' : '\\x1b]52')
      // biome-ignore lint/suspicious/noControlCharactersInRegex: none of them may be there
      expect(stdout).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/)
    }
    expect((await json(operator, 'commands', 'show', id)).command).toBe(evil)
    expect((await admin.krown(['journal', 'ls', '--search', '52;c'])).stdout).not.toContain('\u001b')
  })

  test('can be cancelled from elsewhere', async () => {
    await using running = operator.start(['exec', session, '-n', '--', 'echo started; exec sleep 600'])
    await running.untilStdout('started')
    const { items } = await json(operator, 'commands', 'ls', '--status', 'running')
    const { stdout } = await operator.krown(['commands', 'cancel', items[0].id])
    expect(stdout).toBe(`${items[0].id} is cancelled\n`)
    expect((await running.finished).exitCode).toBe(143)
  })

  test('come in as many pages as it takes, and a list can go on where another ended', async () => {
    await run('true')
    await run('true')
    const first = await json(operator, 'commands', 'ls', '--limit', '2')
    const rest = await json(operator, 'commands', 'ls', '--limit', '1', '--cursor', first.nextCursor)
    expect([first.items.length, rest.items.length]).toEqual([2, 1])
    expect(first.items.map(({ id }: { id: string }) => id)).not.toContain(rest.items[0].id)
    expect((await operator.krown(['commands', 'ls', '--limit', '2'])).stderr).toContain('there are more')
  })

  test('a list whose reader went away ends quietly', async () => {
    await using running = operator.start(['commands', 'ls', '--json'])
    running.child.stdout.destroy()
    expect(await running.finished).toMatchObject({ exitCode: 141, stderr: '' })
  })
})

describe('users', () => {
  test('are made, promoted, disabled and enabled by name', async () => {
    const create = ['users', 'create', 'grace', '--email', 'grace@example.com', '--password-stdin']
    const made = await admin.krown(create, { stdin: `${PASSWORD}\n` })
    expect([made.exitCode, made.stdout]).toEqual([0, expect.stringMatching(/^grace \(.*\) is readonly$/m)])
    expect((await admin.krown(['users', 'set-role', 'grace', 'operator'])).stdout).toContain('is operator')
    expect((await admin.krown(['users', 'disable', 'Grace'])).stdout).toContain('disabled')
    const grace = await office.newDesk()
    const login = ['login', '--username', 'grace', '--password-stdin']
    expect((await grace.krown(login, { stdin: PASSWORD })).exitCode).toBe(3)
    expect((await admin.krown(['users', 'enable', 'grace'])).exitCode).toBe(0)
    expect((await grace.krown(login, { stdin: PASSWORD })).exitCode).toBe(0)
    expect((await admin.krown(['users', 'ls', '--role', 'operator'])).stdout).toMatch(
      / grace +operator .* grace@/,
    )
  })

  test('that do not exist, roles that do not, and passwords that are too short are said', async () => {
    const unknown = await admin.krown(['users', 'disable', 'nobody'])
    const role = await admin.krown(['users', 'set-role', 'grace', 'king'])
    const short = await admin.krown(['users', 'create', 'alan', '--password-stdin'], { stdin: 'short' })
    expect([unknown, role, short].map(({ exitCode }) => exitCode)).toEqual([5, 2, 2])
    expect(role.stderr).toContain('admin, operator, readonly')
    expect(short.stderr).toMatch(/VALIDATION_FAILED\)\n +password: /)
  })

  test('B02: are not changed by who may not', async () => {
    expect((await operator.krown(['users', 'disable', 'grace'])).exitCode).toBe(4)
  })
})

describe('tokens', () => {
  test('are shown once, work, and can be revoked', async () => {
    const args = ['tokens', 'create', 'nightly', '--scope', 'session:read,command:read', '--expires', '30d']
    const { stdout: token, stderr } = await operator.krown(args)
    expect([token, stderr]).toEqual([
      expect.stringMatching(/^krn_pat_\S+\n$/),
      expect.stringContaining('shown this once'),
    ])
    const env = { KROWN_TOKEN: token.trim() }
    expect((await operator.krown(['sessions', 'ls'], { env })).exitCode).toBe(0)
    expect((await operator.krown(['exec', session, '--', 'true'], { env })).exitCode).toBe(255)
    expect((await operator.krown(['tokens', 'ls'], { env })).exitCode).toBe(4)
    const list = await operator.krown(['tokens', 'ls'])
    expect(list.stdout).toMatch(/ nightly +good .* session:read command:read$/m)
    expect(list.stdout).not.toContain(token.trim())
    const [{ id }] = (await json(operator, 'tokens', 'ls')).items
    expect((await operator.krown(['tokens', 'revoke', id])).stdout).toBe(`nightly (${id}) is revoked\n`)
    await waitFor(async () => (await operator.krown(['sessions', 'ls'], { env })).exitCode === 3, {
      what: 'the token to stop working',
      timeoutMs: 10_000,
    })
  })

  test('live as long as was asked for', async () => {
    const until = async (expires: string) =>
      (await json(operator, 'tokens', 'create', 'x', '--expires', expires)).expiresAt
    expect(await until('never')).toBeNull()
    expect(await until('2099-01-31T00:00:00Z')).toBe('2099-01-31T00:00:00.000Z')
    expect((await operator.krown(['tokens', 'create', 'x', '--expires', 'soon'])).exitCode).toBe(2)
  })
})

describe('journal', () => {
  test('is listed, searched and verified', async () => {
    const { stdout } = await admin.krown(['journal', 'ls', '--action', 'session.opened'])
    expect(linesOf(stdout)).toEqual([
      expect.stringMatching(/^NO +AT +WHO +ACTION +OUTCOME +RESOURCE +FACTS$/),
      expect.stringMatching(
        new RegExp(`^\\d+ +\\d{4}-\\S+Z +${operator.username} +session.opened +success +session ${session} `),
      ),
    ])
    const verified = await admin.krown(['journal', 'verify'])
    expect([verified.exitCode, verified.stdout]).toEqual([0, expect.stringMatching(/^verified: \d+ entries/)])
  })

  test('that was tampered with does not verify, and says where', async () => {
    await using other = await startOffice()
    const auditor = await other.desk('admin')
    other.gateway.sql("update journal_entries set outcome = 'denied' where seq = 2")
    const { exitCode, stdout } = await auditor.krown(['journal', 'verify'])
    expect([exitCode, stdout]).toEqual([1, expect.stringMatching(/^BROKEN at entry 2: /)])
  })

  test('is followed, every entry once, one line of JSON each', async () => {
    await using running = admin.start(['journal', 'ls', '--follow', '--after', '0', '--json'])
    await running.untilStdout('"action":"session.opened"')
    await operator.krown(['exec', session, '-n', '--', 'echo followed'])
    await running.untilStdout('command.finished')
    await running.untilStdout('echo followed')
    running.child.kill('SIGINT')
    const { stdout, signal } = await running.finished
    const seqs = linesOf(stdout).map((line) => JSON.parse(line).seq)
    expect(signal).toBe('SIGINT')
    expect(seqs).toEqual(seqs.map((_, at) => at + 1))
  })

  test('following ends when its reader goes away', async () => {
    await using running = admin.start(['journal', 'ls', '--follow', '--after', '0'])
    await once(running.child.stdout, 'data')
    running.child.stdout.destroy()
    await operator.krown(['exec', session, '-n', '--', 'true'])
    expect((await running.finished).exitCode).toBe(141)
  })

  test('B01: is not for everybody', async () => {
    expect((await operator.krown(['journal', 'ls'])).exitCode).toBe(4)
  })
})
