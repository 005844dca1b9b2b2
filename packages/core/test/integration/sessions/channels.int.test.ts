import { startHostileSshServer, startSshd, waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { newId } from '../../../src/base/ids.js'
import type { ChannelEvent, ChannelHandle } from '../../../src/model/channel.js'
import { refusalOf, startKrown } from '../../support/krown-fixture.js'

/** Follows a channel and tells when a text was printed. */
class Screen {
  text = ''
  readonly events: ChannelEvent[] = []
  readonly ended: Promise<void>

  readonly channel: ChannelHandle

  constructor(channel: ChannelHandle) {
    this.channel = channel
    this.ended = this.#follow()
  }

  async shows(text: string): Promise<void> {
    await waitFor(() => this.text.includes(text), { what: `"${text}" on the screen` })
  }

  async #follow(): Promise<void> {
    for await (const event of this.channel.events()) {
      this.events.push(event)
      if (event.type === 'output') this.text += Buffer.from(event.data).toString()
    }
  }
}

describe('a shell', () => {
  test('on sshd: is typed into, resized and left; its end says how it ended', async () => {
    await using sshd = await startSshd()
    await using fixture = await startKrown()
    const session = await fixture.open(sshd)
    const shell = await session.shell({ columns: 100, rows: 30 })
    const screen = new Screen(shell)
    expect(shell.role).toBe('driver')
    await shell.write('echo "[$TERM]"; stty size\n')
    await screen.shows('30 100')
    expect(screen.text).toContain('[xterm-256color]')
    await shell.resize({ columns: 5_000, rows: 0 })
    await waitFor(() => screen.events.some(({ type }) => type === 'resized'), { what: 'the new size' })
    await shell.write('stty size; exit 3\n')
    await screen.ended
    expect(screen.text).toContain('1 1000')
    expect(screen.events.at(-1)).toMatchObject({
      type: 'closed',
      command: { id: shell.id, kind: 'shell', command: '', status: 'completed', exitCode: 3 },
    })
    expect((await fixture.operator.commands.list({ kind: 'shell' })).items).toMatchObject([{ id: shell.id }])
    expect((await fixture.operator.commands.list({ kind: 'exec' })).items).toEqual([])
  })

  test('runs on when its client goes, and is attached to again without a gap or a duplicate', async () => {
    await using sshd = await startSshd()
    await using fixture = await startKrown()
    const session = await fixture.open(sshd)
    const shell = await session.shell()
    const before = new Screen(shell)
    await shell.write('echo fir""st\n')
    await before.shows('first')
    await shell.detach()
    await before.ended
    expect(await session.channels()).toMatchObject([{ id: shell.id, kind: 'shell', attached: [] }])
    await fixture.operator.channels.write(shell.id, 'echo sec""ond\n')
    const again = await fixture.operator.channels.attach(shell.id, { offset: shell.offset })
    expect(again.role).toBe('driver')
    const after = new Screen(again)
    await after.shows('second')
    expect(after.text).not.toContain('first')
    const whole = new Screen(await fixture.operator.channels.attach(shell.id, { offset: 0, role: 'watcher' }))
    await whole.shows('second')
    expect(whole.text.startsWith(before.text + after.text)).toBe(true)
    await again.close()
    await Promise.all([after.ended, whole.ended])
    expect(await refusalOf(fixture.operator.channels.get(shell.id))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('an attach from the future is a conflict', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await startKrown()
    const shell = await (await fixture.open(target)).shell()
    expect(await refusalOf(fixture.operator.channels.attach(shell.id, { offset: 1e9 }))).toMatchObject({
      code: 'CONFLICT',
      details: { offset: 1e9 },
    })
  })

  test('ends with its session', async () => {
    await using sshd = await startSshd()
    await using fixture = await startKrown()
    const session = await fixture.open(sshd)
    const screen = new Screen(await session.shell())
    await session.close()
    await screen.ended
    expect(screen.events.at(-1)).toMatchObject({ type: 'closed', command: { status: 'cancelled' } })
  })
})

describe('a command with a terminal', () => {
  test('is attached to as a shell is', async () => {
    await using sshd = await startSshd()
    await using fixture = await startKrown()
    const session = await fixture.open(sshd)
    const { id } = await fixture.operator.commands.start({
      sessionId: session.id,
      command: 'stty size; read line; echo "got $line"',
      stdinOpen: true,
      pty: { columns: 90, rows: 20 },
    })
    const screen = new Screen(await fixture.operator.channels.attach(id, { offset: 0 }))
    await screen.shows('20 90')
    await screen.channel.write('typed\n')
    await screen.ended
    expect(screen.text).toContain('got typed')
  })
})

describe('the keyboard', () => {
  test("is one user's at a time, and taken over explicitly", async () => {
    await using sshd = await startSshd()
    await using fixture = await startKrown()
    const session = await fixture.open(sshd)
    const shell = await session.shell()
    const mine = new Screen(shell)
    const { channels } = fixture.admin
    const theirs = await channels.attach(shell.id)
    const other = new Screen(theirs)
    expect(theirs.role).toBe('watcher')
    expect(await refusalOf(theirs.write('no\n'))).toMatchObject({ code: 'CONFLICT' })
    expect(await refusalOf(channels.write(shell.id, 'no\n'))).toMatchObject({ code: 'CONFLICT' })
    await theirs.takeOver()
    expect([theirs.role, shell.role]).toEqual(['driver', 'watcher'])
    expect(await refusalOf(shell.write('no\n'))).toMatchObject({ code: 'CONFLICT' })
    await theirs.write('echo by the ad""min\n')
    await Promise.all([mine.shows('by the admin'), other.shows('by the admin')])
    expect(mine.events).toContainEqual({
      type: 'keyboard',
      userId: fixture.actors.admin.userId,
      role: 'watcher',
    })
    expect(mine.text).not.toContain('no')
    await theirs.close()
    await Promise.all([mine.ended, other.ended])
    const actions = (await fixture.entries()).map(({ action }) => action)
    expect(actions.filter((action) => action.startsWith('channel.'))).toEqual([
      'channel.attached',
      'channel.attached',
      'channel.taken_over',
      'channel.close_requested',
      'channel.detached',
      'channel.detached',
    ])
  })

  test('a second client of the same user watches until it takes over', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await startKrown()
    const shell = await (await fixture.open(target)).shell()
    const { channels } = fixture.operator
    const second = await channels.attach(shell.id)
    expect(second.role).toBe('watcher')
    const third = await channels.attach(shell.id, { takeOver: true })
    expect([shell.role, second.role, third.role]).toEqual(['watcher', 'watcher', 'driver'])
    await third.detach()
    expect((await channels.attach(shell.id)).role).toBe('driver')
  })
})

describe('rights', () => {
  test('B08, B09: a stranger learns of no channel, and who may watch changes nothing', async () => {
    await using target = await startHostileSshServer()
    await using fixture = await startKrown()
    const session = await fixture.open(target)
    const shell = await session.shell()
    const stranger = fixture.as('otherOperator').channels
    const absent = await refusalOf(stranger.get(newId()))
    for (const attempt of [
      () => stranger.get(shell.id),
      () => stranger.attach(shell.id),
      () => stranger.write(shell.id, 'x'),
      () => stranger.close(shell.id),
      () => stranger.takeOver(shell.id),
      () => stranger.list(session.id),
    ])
      expect(await refusalOf(attempt())).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refusalOf(stranger.get(shell.id))).toMatchObject({ message: absent.message })
    const auditor = fixture.as('auditor').channels
    const watching = await auditor.attach(shell.id)
    expect(watching.role).toBe('watcher')
    for (const attempt of [
      () => watching.write('x'),
      () => watching.resize({ columns: 10, rows: 10 }),
      () => watching.signal('INT'),
      () => watching.takeOver(),
      () => watching.close(),
      () => auditor.attach(shell.id, { takeOver: true }),
      () => auditor.openShell({ sessionId: session.id }),
    ])
      expect(await refusalOf(attempt())).toMatchObject({ code: 'FORBIDDEN' })
    expect(target.resizes).toEqual([])
    expect((await session.channels())[0]).toMatchObject({ keyboard: fixture.actors.operator.userId })
  })
})
