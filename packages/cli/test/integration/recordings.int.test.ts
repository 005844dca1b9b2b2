import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type LocalSshServer, startLocalSshServer } from '@krown/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BIN } from '../support/krown.js'
import { type Desk, type Office, startOffice } from '../support/office.js'
import { hasTmux, Tmux } from '../support/tmux.js'

const KROWN = `"${process.execPath}" "${BIN}"`

let office: Office
let target: LocalSshServer
let admin: Desk
let operator: Desk
let session: string
let recording: string
let commands: { id: string; recordingId: string; recordingOffsetMs: number }[]

const json = async (desk: Desk, ...args: string[]) => {
  const { stdout, stderr, exitCode } = await desk.krown([...args, '--json'])
  if (exitCode !== 0) throw new Error(stderr)
  return JSON.parse(stdout)
}

/** A session in which two commands ran, closed. */
async function record(): Promise<string> {
  const args = [`${target.username}@${target.host}`, '-p', String(target.port), '--password-stdin']
  const opened = await operator.krown(['sessions', 'open', ...args], { stdin: target.password })
  const id = opened.stdout.trim()
  await operator.krown(['exec', id, '-n', '--', "printf 'first\\033]0;evil\\007\\n'"])
  await operator.krown(['exec', id, '-n', '--', 'echo second'])
  await operator.krown(['sessions', 'close', id])
  return id
}

beforeAll(async () => {
  office = await startOffice()
  target = await startLocalSshServer()
  admin = await office.desk('admin')
  operator = await office.desk('operator')
  session = await record()
  const { items } = await json(operator, 'recordings', 'ls', '--session', session)
  recording = items[0].id
  commands = (await json(operator, 'commands', 'ls', '--session', session)).items.reverse()
})
afterAll(async () => {
  await office[Symbol.asyncDispose]()
  await target.stop()
})

test('recordings are listed and shown, for people and for programs', async () => {
  const { stdout } = await operator.krown(['recordings', 'ls'])
  expect(stdout).toMatch(/^ID +KIND +STATUS +STARTED +LENGTH +BYTES +SESSION/)
  expect(stdout).toContain(`${recording}  session  closed`)
  expect((await operator.krown(['recordings', 'show', recording])).stdout).toMatch(/^sha256 +[0-9a-f]{64}$/m)
})

test('commands say where they are recorded', async () => {
  const { stdout } = await operator.krown(['commands', 'search', 'second'])
  expect(stdout).toContain(`${recording} 0:0`)
  const shown = await operator.krown(['commands', 'show', commands[1]?.id ?? ''])
  expect(shown.stdout).toMatch(new RegExp(`^recording +${recording}$`, 'm'))
})

describe('export', () => {
  test.each([
    ['asciicast-v3', 'cast', '{"version":3'],
    ['asciicast-v2', 'cast', '{"version":2'],
    ['text', 'txt', '$ printf'],
    ['html', 'html', '<!doctype html>'],
  ])('%s is saved as a file, which is not written over', async (format, extension, beginning) => {
    const output = join(operator.home, `${format}.${extension}`)
    const args = ['recordings', 'export', recording, '--format', format, '--output', output]
    expect((await operator.krown(args)).stdout).toBe(`${output}\n`)
    expect(await readFile(output, 'utf8')).toContain(beginning)
    expect((await operator.krown(args)).exitCode).toBe(2)
  })

  test('B03: of somebody else’s there is none, and no file', async () => {
    const stranger = await office.desk('operator')
    const output = join(stranger.home, 'x.cast')
    const { exitCode } = await stranger.krown(['recordings', 'export', recording, '--output', output])
    expect(exitCode).toBe(5)
    await expect(readFile(output)).rejects.toThrow('ENOENT')
  })
})

describe('replay', () => {
  test('G09: into a pipe prints text, with nothing in it for a terminal', async () => {
    const { stdout, exitCode } = await operator.krown(['replay', recording])
    expect(exitCode).toBe(0)
    expect(stdout).toBe("$ printf 'first\\033]0;evil\\007\\n'\nfirst\n$ echo second\nsecond\n")
  })

  test('of a command begins where it does', async () => {
    const { stdout } = await operator.krown(['replay', '--command', commands[1]?.id ?? ''])
    expect(stdout).toBe('$ echo second\nsecond\n')
  })

  describe.skipIf(!hasTmux)('in a terminal', () => {
    let tmux: Tmux
    beforeEach(async () => {
      tmux = await Tmux.start()
    })
    afterEach(() => tmux[Symbol.asyncDispose]())

    test('plays to the end and gives the terminal back', async () => {
      const pane = await tmux.open({ env: operator.env })
      await pane.run(
        `stty -a | md5sum; ${KROWN} replay ${recording} --speed 100; stty -a | md5sum; echo do''ne`,
      )
      await pane.shows(/^done$/m)
      const screen = await pane.screen()
      expect(screen).toMatch(/first[\s\S]*second[\s\S]*the recording ends here/)
    })

    test('is ended by q', async () => {
      const pane = await tmux.open({ env: operator.env })
      await pane.run(`${KROWN} replay ${recording} --speed 0.1 --idle-limit 1d; echo left $?`)
      await pane.shows(/\$ printf/)
      await pane.type('q')
      await pane.shows(/^left 0$/m)
      expect(await pane.screen()).not.toContain('the recording ends here')
    })
  })
})

test('rm is for admins, and leaves what is known', async () => {
  const { items } = await json(operator, 'recordings', 'ls', '--session', await record())
  const [{ id }] = items
  expect((await operator.krown(['recordings', 'rm', id])).exitCode).toBe(4)
  expect((await admin.krown(['recordings', 'rm', id])).stdout).toBe(`${id} is deleted\n`)
  expect(await json(operator, 'recordings', 'show', id)).toMatchObject({ status: 'deleted' })
  expect((await operator.krown(['replay', id])).exitCode).toBe(6)
})
