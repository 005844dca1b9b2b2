import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Channel } from '@krown/core'
import { findSshd, type Sshd, startSshd, waitFor } from '@krown/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BIN } from '../support/krown.js'
import { type Desk, type Office, startOffice } from '../support/office.js'
import { hasTmux, type Pane, Tmux } from '../support/tmux.js'

const KROWN = `"${process.execPath}" "${BIN}"`
const ESCAPE = '\u001b'

describe.skipIf(!findSshd() || !hasTmux)('whoever is at a shell', () => {
  let sshd: Sshd
  let office: Office
  let desk: Desk
  let keyFile: string
  let tmux: Tmux
  beforeAll(async () => {
    sshd = await startSshd()
    office = await startOffice()
  })
  afterAll(async () => {
    await office[Symbol.asyncDispose]()
    await sshd.stop()
  })
  beforeEach(async () => {
    tmux = await Tmux.start()
    desk = await office.desk('operator')
    keyFile = join(desk.home, 'key')
    await writeFile(keyFile, sshd.privateKey, { mode: 0o600 })
  })
  afterEach(() => tmux[Symbol.asyncDispose]())

  const host = () => [`${sshd.username}@${sshd.host}`, '-p', String(sshd.port), '-i', keyFile, '--yes']

  async function signedIn(): Promise<Pane> {
    const pane = await tmux.open({ env: desk.env })
    await pane.run(`${KROWN} shell ${host().join(' ')}`)
    await pane.shows(/[$%>#] ?$/m)
    await pane.run("unset PROMPT_COMMAND; PS1='> '; clear; printf 'rea%s\\n' dy")
    await pane.shows(/^ready\n>/m)
    return pane
  }

  async function channels(): Promise<Channel[]> {
    return JSON.parse((await desk.krown(['channels', 'ls', '--json'])).stdout).items
  }

  async function onlyChannel(): Promise<Channel> {
    const [channel] = await channels()
    if (!channel) throw new Error('nothing runs')
    return channel
  }

  /** A screen with everything turned on that a program may leave on. */
  async function hostileScreen(pane: Pane): Promise<void> {
    const modes = '\\033[?1049h\\033[?25l\\033[?1000;1006h\\033[?2004h\\033[?1h\\033[31m'
    await pane.run(`printf '${modes}fu%s' ll; read -r answer`)
    await pane.shows('full')
    await pane.becomes('#{alternate_on}#{mouse_any_flag}#{cursor_flag}', '110')
  }

  async function isUsable(pane: Pane): Promise<void> {
    await pane.becomes('#{alternate_on}#{mouse_any_flag}#{cursor_flag}#{keypad_cursor_flag}', '0010')
    await pane.press('C-c')
    await pane.run('stty -a | grep -o -- "[-]*isig\\|[-]*icanon\\|[-]*opost" | tr "\\n" " "; echo us"a"ble')
    await pane.shows(/^opost isig icanon usable$/m)
  }

  test.each(['TERM', 'HUP', 'KILL', 'QUIT', 'ABRT'])(
    'has a usable terminal again after SIG%s, and the shell runs on',
    async (signal) => {
      const pane = await signedIn()
      await hostileScreen(pane)
      const pid = await pane.value('#{pane_pid}')
      const krown = (await readChildren(pid)).at(-1)
      process.kill(Number(krown), `SIG${signal}` as NodeJS.Signals)
      await isUsable(pane)
      expect(await channels()).toHaveLength(1)
      await desk.krown(['sessions', 'close', (await onlyChannel()).sessionId])
    },
  )

  test('ends what floods the screen by Ctrl-C', async () => {
    const pane = await signedIn()
    await pane.run('yes')
    await pane.shows(/^y\ny\ny$/m)
    await pane.press('C-c')
    await pane.run('clear; echo st"i"ll here')
    await pane.shows(/^still here$/m)
  })

  test('leaves with ~d, and comes back from another terminal, where nothing is missing', async () => {
    const pane = await signedIn()
    await pane.run('echo be"for"e')
    await pane.shows(/^before$/m)
    await pane.type('~d')
    await pane.shows(/left; the shell runs on: "krown attach /)
    const { id } = await onlyChannel()
    const other = await tmux.open({ columns: 100, rows: 30, env: desk.env })
    await other.run(`${KROWN} attach ${id}`)
    await other.shows(/attached; ~d leaves/)
    await other.shows(/^before$/m)
    // Attaching changes the size twice, so that what runs draws itself anew.
    await other.run('until [ "$(stty size)" = "30 100" ]; do sleep 0.1; done; echo "it f""its"')
    await other.shows(/^it fits$/m)
    await other.run('exit 3')
    await other.shows(/^\$ $|^\$$/m)
    await other.run('echo "it was $?"')
    await other.shows('it was 3')
    expect(await channels()).toEqual([])
  })

  test('ends it with ~., is told of the escapes by ~?, and types a tilde with ~~', async () => {
    const pane = await signedIn()
    await pane.type('~?')
    await pane.shows('~d   leave; the shell runs on')
    await pane.press('Enter')
    await pane.type('~~x')
    await pane.shows(/> ~x$/m)
    await pane.press('Enter')
    await pane.type('~.')
    await pane.shows(/ending the shell/)
    await pane.shows(/^\$$/m)
    expect(await channels()).toEqual([])
  })

  test('F28: is watched by an auditor, whose terminal paints the same and answers nothing', async () => {
    const pane = await signedIn()
    const { id } = await onlyChannel()
    const auditor = await office.desk('readonly', { auditScope: 'org' })
    const screen = await tmux.open({ env: auditor.env })
    await screen.run(`${KROWN} watch ${id}`)
    await screen.shows('watching; q leaves')
    await screen.type('echo typed')
    await pane.run(
      `printf '\\033]2;stolen\\a\\033[?1000h\\033P$qm\\033\\\\\\033[6n\\033[1;31mred\\033[0m\\n'; echo do"n"e`,
    )
    await screen.shows(/^done$/m)
    expect(await screen.screen({ colours: true })).toContain(`${ESCAPE}[1m${ESCAPE}[31mred`)
    expect(await screen.value('#{mouse_any_flag} #{pane_title}')).not.toMatch(/^1|stolen/)
    expect(await pane.screen()).not.toContain('echo typed')
    await screen.type('q')
    await isUsable(screen)
    expect(await channels()).toMatchObject([{ id, attached: [{ role: 'driver' }] }])
  })

  test('loses the keyboard to who takes it over, and is told', async () => {
    const pane = await signedIn()
    const { id } = await onlyChannel()
    const admin = await tmux.open({ env: (await office.desk('admin')).env })
    await admin.run(`${KROWN} attach ${id}`)
    await admin.shows('somebody else has the keyboard')
    await admin.type('~d')
    await admin.shows('left;')
    await admin.run(`clear; ${KROWN} attach ${id} --take-over`)
    await pane.shows('somebody else took the keyboard')
    await pane.run('echo no"thi"ng')
    await admin.run('echo some"thi"ng')
    await pane.shows(/^something$/m)
    await pane.shows(/attach again with\s+--take-over/)
    expect(await pane.screen()).not.toContain('nothing')
  })

  test('is told when a session has several channels', async () => {
    const opened = (await desk.krown(['sessions', 'open', ...host()])).stdout.trim()
    const panes = [await tmux.open({ env: desk.env }), await tmux.open({ env: desk.env })]
    for (const pane of panes) await pane.run(`${KROWN} shell ${opened}`)
    await waitFor(async () => (await channels()).length === 2, { what: 'two shells' })
    const { exitCode, stderr } = await desk.krown(['attach', opened])
    expect([exitCode, stderr]).toEqual([255, expect.stringContaining('several run in')])
    for (const { id } of await channels()) expect(stderr).toContain(id)
    const { stdout } = await desk.krown(['channels', 'ls', opened])
    expect(stdout).toMatch(/^ID +TARGET +WHO +KEYBOARD +ATTACHED +SIZE +STARTED +WHAT\n.* 80x24 .* shell\n/)
    await desk.krown(['sessions', 'close', opened])
    for (const pane of panes) await pane.shows(/^krown: the shell was ended/m)
    expect((await desk.krown(['attach', opened])).stderr).toContain('nothing runs in')
  })

  test('without a terminal the shell has none: it reads commands and exits as the last one', async () => {
    const { stdout, exitCode } = await desk.krown(['shell', ...host()], {
      stdin: 'tty; printf "\\377"; ~.\nexit 4\n',
    })
    expect([stdout, exitCode]).toEqual([expect.stringContaining('not a tty'), 4])
    const withOne = await desk.krown(['shell', ...host(), '-t', '--term', 'vt100'], {
      stdin: 'echo "[$TERM]"; stty size; exit 5\n',
    })
    expect([withOne.stdout, withOne.exitCode]).toEqual([expect.stringMatching(/\[vt100\]\r\n24 80\r\n/), 5])
  })
})

async function readChildren(pid: string): Promise<string[]> {
  const text = await readFile(`/proc/${pid}/task/${pid}/children`, 'utf8')
  return text.trim().split(' ')
}
