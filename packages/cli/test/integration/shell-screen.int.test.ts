import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { findSshd, type Sshd, startSshd, waitFor } from '@krown/testkit'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { BIN } from '../support/krown.js'
import { type Desk, type Office, startOffice } from '../support/office.js'
import { hasTmux, type Pane, Tmux } from '../support/tmux.js'

const KROWN = `"${process.execPath}" "${BIN}"`

describe.skipIf(!findSshd() || !hasTmux)('krown shell in a terminal', () => {
  let sshd: Sshd
  let office: Office
  let desk: Desk
  let keyFile: string
  let tmux: Tmux
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
  beforeEach(async () => {
    tmux = await Tmux.start()
  })
  afterEach(() => tmux[Symbol.asyncDispose]())

  const host = () => `${sshd.username}@${sshd.host} -p ${sshd.port} -i "${keyFile}"`
  const krownShell = (options = '') => `${KROWN} shell ${host()} --yes ${options}`
  const sshShell = () =>
    `ssh ${host()} -o UserKnownHostsFile=/dev/null -o StrictHostKeyChecking=no -o LogLevel=ERROR -o SendEnv=LANG`

  /** On a shell there that is cleared and shows `> `. */
  async function signIn(pane: Pane, command: string): Promise<void> {
    await pane.run(command)
    await pane.shows(/[$%>#] ?$/m)
    await pane.run("unset PROMPT_COMMAND; export LC_ALL=C.UTF-8; PS1='> '; clear; printf 'rea%s\\n' dy")
    await pane.shows(/^ready\n>/m)
    await pane.run('clear')
    await pane.shows(/^>$/)
  }

  /** The same steps through krown and through ssh. @returns What both show then. */
  async function both(
    steps: (pane: Pane) => Promise<void>,
    size: { columns?: number; rows?: number } = {},
  ): Promise<{ krown: string; ssh: string }> {
    const look = async (command: string) => {
      const pane = await tmux.open({ ...size, env: desk.env })
      await signIn(pane, command)
      await steps(pane)
      return pane.screen({ colours: true })
    }
    return { krown: await look(krownShell()), ssh: await look(sshShell()) }
  }

  test('colours, UTF-8 and cursor movements are as through ssh', async () => {
    const { krown, ssh } = await both(async (pane) => {
      await pane.run(
        "for i in $(seq 16 255); do printf '\\033[38;5;%dm%d ' $i $i; done; printf '\\033[0m\\n'",
      )
      await pane.run("printf 'žluťoučký 日本 👩 \\033[5Gx\\033[1;31mred\\033[0m\\n'; printf 'do%s\\n' ne")
      await pane.shows(/^done$/m)
    })
    expect(krown).toBe(ssh)
    expect(krown).toContain('日本')
  })

  test('vim paints what it paints through ssh, takes keys and a new size, and leaves the screen', async () => {
    const steps = async (pane: Pane) => {
      await pane.run(
        '$(command -v vim || command -v vim.tiny) -u NONE -i NONE -n -c "set nocp ruler" /etc/services',
      )
      await pane.shows(/1,1 .*Top/)
      await pane.type('ddp3Goüber 日本')
      await pane.press('Escape')
      await pane.run('/tcp')
      await pane.shows(/tcp/)
      await pane.type('1G')
      await pane.shows(/1,1 .*Top/)
      await pane.resize(100, 30)
      await pane.shows(/(.*\n){29}.*1,1 .*Top/)
    }
    const { krown, ssh } = await both(steps)
    expect(krown).toBe(ssh)
    expect(krown).toContain('über 日本')
  })

  test('less scrolls and searches as through ssh', async () => {
    const { krown, ssh } = await both(async (pane) => {
      await pane.run('seq 1 500 | less')
      await pane.shows(/^23$/m)
      await pane.type('G')
      await pane.shows(/^500$/m)
      await pane.type('?25')
      await pane.press('Enter')
      await pane.shows(/^425$/m)
    })
    expect(krown).toBe(ssh)
  })

  test('top fills the screen, again after a new size', async () => {
    const pane = await tmux.open({ env: desk.env })
    await signIn(pane, krownShell())
    await pane.run('top -d 600')
    await pane.shows(/^ *PID USER/m)
    await pane.resize(120, 15)
    await waitFor(async () => /^top[\s\S]*PID USER .*COMMAND/.test(await pane.screen()), {
      what: 'top again',
    })
    await pane.type('q')
    await pane.shows(/^>$/m)
    await pane.run('stty size')
    await pane.shows('15 120')
  })

  test('exits as the shell did, and closes what it opened', async () => {
    const pane = await tmux.open({ env: desk.env })
    await signIn(pane, krownShell())
    await pane.run('exit 7')
    await pane.shows(/^\$$/m)
    await pane.run('echo "it was $?"')
    await pane.shows('it was 7')
    const { stdout } = await desk.krown(['sessions', 'ls', '--status', 'disconnected', '--json'])
    expect(JSON.parse(stdout).items).toEqual([expect.objectContaining({ statusReason: 'closed_by_user' })])
  })
})
