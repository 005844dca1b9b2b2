import { type Sshd, startSshd, waitFor } from '@krown/testkit'
import xterm from '@xterm/headless'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { RemoteKrownClient, SessionHandle } from '../../src/index.js'
import { ShellAddon } from '../../src/xterm.js'
import { type SdkGateway, startSdkGateway } from '../support/sdk-gateway.js'

let gateway: SdkGateway
let sshd: Sshd
beforeAll(async () => {
  gateway = await startSdkGateway()
  sshd = await startSshd()
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await sshd.stop()
})

function open(client: RemoteKrownClient): Promise<SessionHandle> {
  const { host, port, username, privateKey } = sshd
  return client.sessions.open({ host, port, username, auth: { method: 'key', privateKey } })
}

class Screen {
  readonly terminal: xterm.Terminal

  constructor(size: { cols: number; rows: number }) {
    this.terminal = new xterm.Terminal({ ...size, allowProposedApi: true })
  }

  get text(): string {
    const { active } = this.terminal.buffer
    const lines = Array.from({ length: active.length }, (_, i) => active.getLine(i)?.translateToString(true))
    return lines.join('\n')
  }

  shows(text: string): Promise<unknown> {
    return waitFor(() => this.text.includes(text), { what: `"${text}" on the screen` })
  }

  type(text: string): void {
    this.terminal.input(text)
  }
}

test('a terminal shows what a shell prints, types into it, and gives it its size', async () => {
  const client = await gateway.as({ role: 'operator' })
  const session = await open(client)
  const screen = new Screen({ cols: 90, rows: 20 })
  const addon = new ShellAddon(await session.shell())
  screen.terminal.loadAddon(addon)
  screen.type('stty size; printf "\\342\\202\\254 \\033[31mred\\033[0m\\n"\r')
  await screen.shows('20 90')
  await screen.shows('€ red')
  screen.terminal.resize(101, 31)
  // Sizes go out at their own pace.
  await waitFor(
    () => {
      screen.type('stty size\r')
      return screen.text.includes('31 101')
    },
    { what: 'the new size' },
  )
  screen.type('exit 5\r')
  expect(await addon.ended).toMatchObject({ kind: 'shell', status: 'completed', exitCode: 5 })
  screen.terminal.dispose()
})

test('a full-screen program draws and leaves the alternate screen', async () => {
  const client = await gateway.as({ role: 'operator' })
  const screen = new Screen({ cols: 80, rows: 24 })
  const addon = new ShellAddon(await (await open(client)).shell({ columns: 80, rows: 24 }))
  screen.terminal.loadAddon(addon)
  screen.type('printf "\\033[?1049h\\033[Hfull"; read x; printf "\\033[?1049l"; echo le""ft\r')
  await waitFor(() => screen.terminal.buffer.active.type === 'alternate', { what: 'the alternate screen' })
  await screen.shows('full')
  screen.type('\r')
  await screen.shows('left')
  expect(screen.terminal.buffer.active.type).toBe('normal')
  addon.dispose()
  expect(await addon.ended).toBeNull()
})

test('a watcher takes the size of whoever types, and sends nothing', async () => {
  const client = await gateway.as({ role: 'operator' })
  const shell = await (await open(client)).shell({ columns: 70, rows: 15 })
  const admin = await gateway.admin()
  const screen = new Screen({ cols: 80, rows: 24 })
  const addon = new ShellAddon(await admin.channels.attach(shell.id))
  screen.terminal.loadAddon(addon)
  expect([screen.terminal.cols, screen.terminal.rows]).toEqual([70, 15])
  screen.type('never\r')
  await shell.resize({ columns: 60, rows: 10 })
  await waitFor(() => screen.terminal.cols === 60 && screen.terminal.rows === 10, { what: 'the size' })
  await shell.write('echo to""gether\n')
  await screen.shows('together')
  expect(screen.text).not.toContain('never')
  addon.dispose()
  await shell.close()
})

test('output is acknowledged when it was drawn: a program that prints faster waits', async () => {
  const client = await gateway.as({ role: 'operator' })
  const shell = await (await open(client)).shell()
  const drawn: (() => void)[] = []
  const slow = {
    cols: 80,
    rows: 24,
    write: (_: unknown, done: () => void = () => {}) => void drawn.push(done),
    resize: () => {},
    onData: () => ({ dispose: () => {} }),
    onBinary: () => ({ dispose: () => {} }),
    onResize: () => ({ dispose: () => {} }),
  }
  const addon = new ShellAddon(shell)
  await shell.write('head -c 8000000 /dev/zero; exit 0\n')
  addon.activate(slow)
  let last = -1
  const held = await waitFor(
    async () => {
      const { end } = await client.channels.get(shell.id)
      const isHeld = end === last && end > 256 * 1024
      last = end
      return isHeld ? end : undefined
    },
    { what: 'the program to be held' },
  )
  expect(drawn).toHaveLength(1)
  expect(held).toBeLessThan(2 * 1024 * 1024)
  const going = setInterval(() => {
    for (const done of drawn.splice(0)) done()
  })
  expect(await addon.ended).toMatchObject({ exitCode: 0 })
  clearInterval(going)
})

test('ended tells why the reading broke off', async () => {
  const client = gateway.connect({ credentials: await gateway.newUser({ role: 'operator' }) })
  const screen = new Screen({ cols: 80, rows: 24 })
  const addon = new ShellAddon(await (await open(client)).shell())
  screen.terminal.loadAddon(addon)
  await client.close()
  await expect(addon.ended).rejects.toMatchObject({ code: 'CONNECTION_LOST' })
})
