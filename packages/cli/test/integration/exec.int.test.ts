import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from '@krown/core'
import { findSshd, generateKey, type Sshd, startSshd, waitFor } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Desk, type Office, startOffice } from '../support/office.js'

describe.skipIf(!findSshd())('exec', () => {
  let sshd: Sshd
  let office: Office
  let desk: Desk
  let keyFile: string

  beforeAll(async () => {
    sshd = await startSshd()
    office = await startOffice()
    desk = await office.desk('operator')
    keyFile = join(desk.home, 'key')
    await writeFile(keyFile, sshd.privateKey, { mode: 0o600 })
  })
  afterAll(async () => {
    await office[Symbol.asyncDispose]()
    await sshd.stop()
  })

  const host = () => [`${sshd.username}@${sshd.host}`, '-p', String(sshd.port), '-i', keyFile, '--yes']
  const exec = (command: string, stdin?: string | Uint8Array) =>
    desk.krown(['exec', ...host(), '--', command], stdin === undefined ? {} : { stdin })

  async function sessions(query = ''): Promise<Session[]> {
    const { stdout } = await desk.krown(['sessions', 'ls', '--json', ...query.split(' ').filter(Boolean)])
    return JSON.parse(stdout).items
  }

  async function openSession(): Promise<string> {
    const { stdout, exitCode, stderr } = await desk.krown(['sessions', 'open', ...host()])
    expect([exitCode, stderr]).toEqual([0, expect.any(String)])
    return stdout.trim()
  }

  test('brings each output to its own descriptor, and the exit code', async () => {
    const { exitCode, stdout, stderr } = await exec('echo out; echo err >&2; exit 7')
    expect([exitCode, stdout]).toEqual([7, 'out\n'])
    expect(stderr).toMatch(/^err$/m)
  })

  test('runs the words after -- as they are', async () => {
    const { stdout } = await desk.krown([
      'exec',
      ...host(),
      '--',
      'echo',
      '--json',
      '-p',
      '--url',
      '$((40 + 2))',
    ])
    expect(stdout).toBe('--json -p --url 42\n')
  })

  test('is one end of a pipe: bytes go in and come out unchanged', async () => {
    const data = randomBytes(3_000_000)
    const { bytes, exitCode } = await exec('cat', data)
    expect([exitCode, bytes.equals(data)]).toEqual([0, true])
  })

  test('ends when the command does, whatever is still to be read', async () => {
    await using running = desk.start(['exec', ...host(), '--', 'head -c 3'])
    running.child.stdin.write('abcdef')
    expect(await running.finished).toMatchObject({ exitCode: 0, stdout: 'abc' })
  })

  test('-n gives the command nothing to read', async () => {
    const { stdout } = await desk.krown(['exec', ...host(), '-n', '--', 'cat; echo end'], { stdin: 'text' })
    expect(stdout).toBe('end\n')
  })

  test('reports a signal as a shell does', async () => {
    const { exitCode, stderr } = await exec('kill -KILL $$')
    expect([exitCode, stderr]).toEqual([137, expect.stringContaining('SIGKILL')])
  })

  test('ends a command that takes too long, with 124', async () => {
    const { exitCode, stderr } = await desk.krown(['exec', ...host(), '--timeout', '300ms', '--', 'sleep 60'])
    expect([exitCode, stderr]).toEqual([124, expect.stringContaining('took too long')])
  })

  test('closes the session that it opened, however the command ends', async () => {
    await exec('exit 3')
    await exec('kill -TERM $$')
    const all = await sessions()
    expect(all.filter(({ status }) => status === 'connected')).toEqual([])
    expect(new Set(all.map(({ statusReason }) => statusReason))).toEqual(new Set(['closed_by_user']))
  })

  test('runs in a session that is open, which stays open', async () => {
    const id = await openSession()
    const first = await desk.krown(['exec', id, '--', 'echo one'])
    const second = await desk.krown(['exec', id, '--', 'echo two'])
    expect([first.stdout, second.stdout]).toEqual(['one\n', 'two\n'])
    expect(await sessions('--status connected')).toEqual([expect.objectContaining({ id })])
    await desk.krown(['sessions', 'close', id])
    const late = await desk.krown(['exec', id, '--', 'true'])
    expect([late.exitCode, late.stderr]).toEqual([255, expect.stringContaining('(SESSION_NOT_CONNECTED)')])
  })

  test('Ctrl-C cancels the command and exits with 130', async () => {
    await using running = desk.start(['exec', ...host(), '--', 'echo started; exec sleep 600'])
    await running.untilStdout('started')
    running.child.kill('SIGINT')
    const { exitCode, stderr } = await running.finished
    expect([exitCode, stderr]).toEqual([130, expect.stringMatching(/cancelling.*\n.*cancelled/)])
    expect(await sessions('--status connected')).toEqual([])
  })

  test('a terminal that is gone cancels the command too', async () => {
    const id = await openSession()
    await using running = desk.start(['exec', id, '-n', '--', 'echo started; exec sleep 600'])
    await running.untilStdout('started')
    running.child.stderr.destroy()
    running.child.kill('SIGHUP')
    expect((await running.finished).exitCode).toBe(129)
    await desk.krown(['sessions', 'close', id])
  })

  test('Ctrl-C twice leaves a command that does not want to end', async () => {
    const id = await openSession()
    const stubborn = "trap '' TERM; echo started; while :; do sleep 1; done"
    await using running = desk.start(['exec', id, '--', stubborn])
    await running.untilStdout('started')
    running.child.kill('SIGINT')
    await running.untilStderr('cancelling')
    running.child.kill('SIGINT')
    expect((await running.finished).exitCode).toBe(130)
    await desk.krown(['sessions', 'close', id])
  })

  test('cancels the command when nobody reads its output any more', async () => {
    const id = await openSession()
    await using running = desk.start([
      'exec',
      id,
      '--',
      'echo first; while :; do echo more; sleep 0.05; done',
    ])
    await once(running.child.stdout, 'data')
    running.child.stdout.destroy()
    expect((await running.finished).exitCode).toBe(141)
    const { stdout } = await desk.krown(['commands', 'ls', '--session', id, '--json'])
    expect(JSON.parse(stdout).items).toEqual([expect.objectContaining({ status: 'cancelled' })])
    await desk.krown(['sessions', 'close', id])
  })

  test('waits for whoever reads slowly, and loses nothing', async () => {
    await using running = desk.start(['exec', ...host(), '-n', '--', 'head -c 8000000 /dev/zero'])
    running.child.stdout.pause()
    await waitFor(() => running.child.stdout.readableLength > 0, { what: 'output' })
    running.child.stdout.resume()
    const { exitCode, bytes } = await running.finished
    expect([exitCode, bytes.length]).toEqual([0, 8_000_000])
  })

  test('--json tells everything, one line for each event', async () => {
    const command = "printf 'caf\\303\\251'; printf '\\377' >&2; exit 4"
    const { stdout, exitCode } = await desk.krown(['exec', ...host(), '--json', '--', command])
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
    expect(exitCode).toBe(4)
    expect(events[0]).toMatchObject({
      type: 'session',
      session: { username: sshd.username, status: 'connected' },
    })
    expect(events[1]).toMatchObject({ type: 'started', sessionId: events[0].session.id })
    expect(events.at(-1)).toMatchObject({ type: 'finished', command: { status: 'completed', exitCode: 4 } })
    const output = events.filter(({ type }) => type === 'output')
    expect(output).toContainEqual(
      expect.objectContaining({ stream: 'stdout', data: 'café', encoding: 'utf8' }),
    )
    expect(output).toContainEqual(
      expect.objectContaining({ stream: 'stderr', data: '/w==', encoding: 'base64' }),
    )
  })

  test('shows the host key of a host that nobody knew', async () => {
    const newcomer = await office.desk('operator')
    const args = ['exec', ...host(), '--', 'true']
    const first = await newcomer.krown(args)
    expect(first.stderr).toContain(sshd.hostKeyFingerprint)
    expect((await newcomer.krown(args)).stderr).not.toContain('is new')
  })

  test('takes a host key to insist on, and exits with 255 when it is another', async () => {
    const other = generateKey().fingerprint
    const { exitCode, stderr } = await desk.krown(['exec', ...host(), '--host-key', other, '--', 'true'])
    expect([exitCode, stderr]).toEqual([255, expect.stringContaining('(HOST_KEY_MISMATCH)')])
    expect(stderr).toContain(sshd.hostKeyFingerprint)
  })

  test('sends a key only after saying so, and not at all when nobody agreed', async () => {
    const args = ['exec', ...host().filter((word) => word !== '--yes'), '--', 'true']
    const { exitCode, stderr } = await desk.krown(args)
    expect([exitCode, stderr]).toEqual([255, expect.stringMatching(/goes to http.*\n.*--yes/s)])
  })

  test('sends no file that is not a private key', async () => {
    await writeFile(join(desk.home, 'secret.txt'), 'not a key')
    const args = ['exec', 'x@127.0.0.1', '-i', join(desk.home, 'secret.txt'), '--yes', '--', 'true']
    const { exitCode, stderr } = await desk.krown(args)
    expect([exitCode, stderr]).toEqual([255, expect.stringContaining('holds no private key')])
  })

  test('takes the passphrase of a key from the first line, and gives the command the rest', async () => {
    const key = generateKey({ passphrase: 'a passphrase' })
    await using other = await startSshd({ authorizedKeys: [key.publicKey] })
    const file = join(desk.home, 'encrypted')
    await writeFile(file, key.privateKey, { mode: 0o600 })
    const args = [
      `${other.username}@${other.host}`,
      '-p',
      String(other.port),
      '-i',
      file,
      '-y',
      '--password-stdin',
    ]
    const { stdout, stderr } = await desk.krown(['exec', ...args, '--', 'cat'], {
      stdin: 'a passphrase\nthe rest\n',
    })
    expect([stdout, stderr]).toEqual(['the rest\n', expect.not.stringContaining('a passphrase')])
  })

  test('exits with 255 for what is not the command’s affair', async () => {
    const usage = await desk.krown(['exec', '--no-such-option'])
    const nothing = await desk.krown(['exec', ...host()])
    const wrongKey = join(desk.home, 'wrong-key')
    await writeFile(wrongKey, generateKey().privateKey)
    const args = [
      `${sshd.username}@${sshd.host}`,
      '-p',
      String(sshd.port),
      '-i',
      wrongKey,
      '-y',
      '--',
      'true',
    ]
    const refused = await desk.krown(['exec', ...args])
    expect([usage, nothing, refused].map(({ exitCode }) => exitCode)).toEqual([255, 255, 255])
    expect(refused.stderr).toContain('(TARGET_AUTH_FAILED)')
    const signedOut = await (await office.newDesk()).krown(['exec', ...host(), '--', 'true'])
    expect([signedOut.exitCode, signedOut.stderr]).toEqual([255, expect.stringContaining('krown login')])
  })

  test('F18: says when the connection was lost while the command ran', async () => {
    await using running = desk.start(['exec', ...host(), '--', 'echo started; kill -9 $PPID; sleep 600'])
    const { exitCode, stderr } = await running.finished
    expect([exitCode, stderr]).toEqual([255, expect.stringContaining('SESSION_LOST')])
  })

  test('J01: no secret is in its arguments, its output or its files', async () => {
    await using running = desk.start(['exec', ...host(), '--json', '--', 'echo started; sleep 600'])
    await running.untilStdout('started')
    running.child.kill('SIGINT')
    const { stdout, stderr } = await running.finished
    const [, secret = ''] = sshd.privateKey.split('\n')
    expect(stdout + stderr).not.toContain(secret)
    const { stdout: journal } = await (await office.desk('admin')).krown([
      'journal',
      'ls',
      '--limit',
      '200',
      '--json',
    ])
    expect(journal).not.toContain(secret)
  })
})
