import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { generateKey, type LocalSshServer, startLocalSshServer } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { BIN } from '../support/krown.js'
import { type Desk, type Office, PASSWORD, startOffice } from '../support/office.js'
import { hasTerminals, startOnTerminal } from '../support/terminal.js'

const KROWN = `"${process.execPath}" "${BIN}"`
const CONTROL_C = '\u0003'
const ESCAPE = '\u001b'

describe.skipIf(!hasTerminals)('on a terminal', () => {
  let office: Office
  let target: LocalSshServer
  let desk: Desk
  beforeAll(async () => {
    office = await startOffice()
    target = await startLocalSshServer({ username: 'deploy' })
    desk = await office.desk('operator')
  })
  afterAll(async () => {
    await office[Symbol.asyncDispose]()
    await target.stop()
  })

  const start = (command: string, who = desk) => startOnTerminal(`${KROWN} ${command}`, who.env)
  const address = () => `deploy@${target.host} -p ${target.port}`

  test('login asks for name and password, and does not show the password', async () => {
    const { user } = await office.gateway.person('readonly')
    const newcomer = await office.newDesk()
    await using running = start('login', newcomer)
    await running.untilStdout('User name: ')
    running.child.stdin.write(`${user.username}\r`)
    await running.untilStdout(`Password of ${user.username}: `)
    running.child.stdin.write(`${PASSWORD}\r`)
    const { exitCode, stdout } = await running.finished
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining(`signed in to ${office.url}`)])
    expect(stdout).not.toContain(PASSWORD)
    expect((await newcomer.krown(['whoami'])).exitCode).toBe(0)
  })

  test('mistyped letters can be taken back, and a line that was wrong as well', async () => {
    const { user } = await office.gateway.person('readonly')
    await using running = start(`login --username ${user.username}`, await office.newDesk())
    await running.untilStdout('Password of')
    running.child.stdin.write(`all wrong\u0015${PASSWORD}xé\u007f\u007f${ESCAPE}[D\r`)
    expect(await running.finished).toMatchObject({ exitCode: 0 })
  })

  test('login --setup asks for the token and twice for the password', async () => {
    await using fresh = await startOffice()
    const first = await fresh.newDesk()
    await using running = start('login --setup --username ada', first)
    await running.untilStdout('Setup token: ')
    running.child.stdin.write(`${fresh.gateway.setupToken}\r`)
    await running.untilStdout('Password of ada: ')
    running.child.stdin.write(`${PASSWORD}\r${PASSWORD}\r`)
    const { exitCode, stdout } = await running.finished
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('as ada (admin)')])
    expect(stdout).not.toContain(fresh.gateway.setupToken)
  })

  test('login asks for the server when none is known', async () => {
    const newcomer = await office.newDesk()
    const stranger = { ...newcomer, env: { HOME: newcomer.home } }
    const { user } = await office.gateway.person('readonly')
    await using running = start(`login --username ${user.username}`, stranger)
    await running.untilStdout('Server [')
    running.child.stdin.write(`${office.url}\r`)
    await running.untilStdout('Password')
    running.child.stdin.write(`${PASSWORD}\r`)
    expect((await running.finished).exitCode).toBe(0)
  })

  test('Ctrl-C at a question ends with 130, and leaves the terminal as it was', async () => {
    const command = `stty -a > before; ${KROWN} login --username ada; echo "exit $?"; stty -a > after`
    await using running = startOnTerminal(`cd "${desk.home}"; ${command}`, desk.env)
    await running.untilStdout('Password of ada: ')
    running.child.stdin.write(CONTROL_C)
    expect((await running.finished).stdout).toContain('exit 130')
    const [before, after] = await Promise.all(
      ['before', 'after'].map((name) => readFile(join(desk.home, name), 'utf8')),
    )
    expect(after).toBe(before)
  })

  test('exec asks for the password there while its input is a file', async () => {
    await writeFile(join(desk.home, 'input'), 'from a file\n')
    await using running = start(`exec ${address()} -- cat < "${desk.home}/input"`)
    await running.untilStdout(`Password of deploy@${target.host}: `)
    running.child.stdin.write(`${target.password}\r`)
    const { exitCode, stdout } = await running.finished
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('from a file')])
    expect(stdout).not.toContain(target.password)
  })

  test('a key is sent when the question is answered with yes, and only then', async () => {
    const key = join(desk.home, 'key')
    await writeFile(key, target.privateKey)
    for (const [answer, expected] of [
      ['y', 0],
      ['', 255],
      ['nope', 255],
    ] as const) {
      await using running = start(`exec ${address()} -i "${key}" -- echo done`)
      await running.untilStdout('Send it? [y/N] ')
      expect(running.stdout).toContain(`goes to ${office.url}`)
      running.child.stdin.write(`${answer}\r`)
      expect([answer, (await running.finished).exitCode]).toEqual([answer, expected])
    }
  })

  test('the passphrase of a key is asked for', async () => {
    const file = join(desk.home, 'encrypted')
    await writeFile(file, generateKey({ passphrase: 'open sesame' }).privateKey)
    await using running = start(`exec ${address()} -i "${file}" --yes -- true`)
    await running.untilStdout('Passphrase of ')
    running.child.stdin.write('wrong one\r')
    const { exitCode, stdout } = await running.finished
    expect([exitCode, stdout]).toEqual([255, expect.not.stringContaining('wrong one')])
  })

  test('Ctrl-C reaches a command that runs', async () => {
    await using running = start(`exec ${address()} -- 'echo started; exec sleep 600'; echo "exit $?"`)
    await running.untilStdout('Password')
    running.child.stdin.write(`${target.password}\r`)
    await running.untilStdout('started')
    running.child.stdin.write(CONTROL_C)
    expect((await running.finished).stdout).toMatch(/cancelling[\s\S]*was cancelled/)
  })

  test('titles are dimmed, unless NO_COLOR or TERM says otherwise, and lines fit', async () => {
    const list = 'commands ls --limit 1'
    const seen = async (env: NodeJS.ProcessEnv) => {
      await using running = startOnTerminal(`stty cols 100; ${KROWN} ${list}`, { ...desk.env, ...env })
      return (await running.finished).stdout
    }
    expect(await seen({})).toContain(`${ESCAPE}[2mID`)
    expect(await seen({ NO_COLOR: '1' })).not.toContain(ESCAPE)
    expect(await seen({ TERM: 'dumb' })).not.toContain(ESCAPE)
    expect((await desk.krown(['commands', 'ls'])).stdout).not.toContain(ESCAPE)
    for (const line of (await seen({ NO_COLOR: '1' })).split('\r\n'))
      expect(line.length).toBeLessThanOrEqual(100)
  })
})
