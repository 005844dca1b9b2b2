import { expect, test } from 'vitest'
import type { ChannelEvent, ChannelHandle } from '../../../src/model/channel.js'
import { openSession, refusal, UNKNOWN_ID, type World } from './world.js'

/** Reads a channel and tells when a text was printed. */
class Screen {
  text = ''
  readonly events: ChannelEvent[] = []
  readonly ended: Promise<void>
  #changed: () => void = () => {}

  constructor(channel: ChannelHandle) {
    this.ended = this.#read(channel)
  }

  async shows(text: string): Promise<void> {
    await this.#until(() => this.text.includes(text))
  }

  async saw(type: ChannelEvent['type']): Promise<ChannelEvent | undefined> {
    const find = () => this.events.find((event) => event.type === type)
    await this.#until(() => find() !== undefined)
    return find()
  }

  async #until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      await new Promise<void>((resolve) => {
        this.#changed = resolve
      })
    }
  }

  async #read(channel: ChannelHandle): Promise<void> {
    for await (const event of channel.events()) {
      this.events.push(event)
      if (event.type === 'output') this.text += Buffer.from(event.data).toString()
      this.#changed()
    }
  }
}

export function channelTests(world: () => World): void {
  test('a shell is typed into, resized, signalled, and says how it ended', async () => {
    await using session = await openSession(world())
    const shell = await session.shell({ columns: 100, rows: 30 })
    expect(shell).toMatchObject({ role: 'driver', offset: 0 })
    expect(shell.channel).toMatchObject({
      id: shell.id,
      sessionId: session.id,
      kind: 'shell',
      terminal: { term: 'xterm-256color', columns: 100, rows: 30 },
    })
    const screen = new Screen(shell)
    await shell.write('echo "[$TERM]"; stty size\n')
    await screen.shows('30 100')
    await shell.resize({ columns: 5_000, rows: 0 })
    expect(await screen.saw('resized')).toEqual({ type: 'resized', columns: 1_000, rows: 1 })
    await shell.write(new TextEncoder().encode('exit 3\n'))
    await screen.ended
    expect(screen.text).toContain('[xterm-256color]')
    expect(screen.events.at(-1)).toMatchObject({
      type: 'closed',
      command: { id: shell.id, kind: 'shell', status: 'completed', exitCode: 3 },
    })
    expect(await refusal(shell.write('more'))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('the iterator of a shell gives its bytes, and leaving it leaves it running', async () => {
    await using session = await openSession(world())
    const shell = await session.shell()
    await shell.write('echo fir""st\n')
    let text = ''
    for await (const bytes of shell) {
      text += Buffer.from(bytes).toString()
      if (text.includes('first')) break
    }
    expect(shell.offset).toBe(Buffer.byteLength(text))
    expect(await session.channels()).toMatchObject([{ id: shell.id, attached: [] }])
    const { channels } = world().clients.operator
    await channels.write(shell.id, 'echo sec""ond\n')
    const again = await channels.attach(shell.id, { offset: shell.offset })
    expect(again).toMatchObject({ role: 'driver', offset: shell.offset })
    const screen = new Screen(again)
    await screen.shows('second')
    expect(screen.text).not.toContain('first')
    const whole = new Screen(await channels.attach(shell.id, { offset: 0, role: 'watcher' }))
    await whole.shows('second')
    expect(whole.text).toBe((text + screen.text).slice(0, whole.text.length))
    const closed = await again.close()
    expect(closed).toMatchObject({ id: shell.id, status: 'cancelled' })
    expect(await channels.close(shell.id)).toEqual(closed)
    await Promise.all([screen.ended, whole.ended])
    expect(await refusal(channels.get(shell.id))).toMatchObject({ code: 'NOT_FOUND' })
  })

  test('a command with a terminal is attached to like a shell', async () => {
    await using session = await openSession(world())
    const { channels, commands } = world().clients.operator
    const { id } = await commands.start({
      sessionId: session.id,
      command: 'stty size; cat >/dev/null; echo done',
      stdinOpen: true,
      pty: { columns: 90, rows: 20 },
    })
    const channel = await channels.attach(id, { offset: 0 })
    const screen = new Screen(channel)
    await screen.shows('20 90')
    await channel.write('line\n')
    await channel.write('\u0004')
    await screen.ended
    expect(screen.text).toContain('done')
  })

  test('end of file is behind what was typed', async () => {
    await using session = await openSession(world())
    const { channels, commands } = world().clients.operator
    const { id } = await commands.start({ sessionId: session.id, command: 'cat; echo done', stdinOpen: true })
    const channel = await channels.attach(id, { offset: 0 })
    const screen = new Screen(channel)
    const written = channel.write('x'.repeat(300_000))
    await channel.endInput()
    await written
    await screen.ended
    expect(screen.text).toBe(`${'x'.repeat(300_000)}done\n`)
  })

  test('a signal ends a shell that ignores its input', async () => {
    await using session = await openSession(world())
    const shell = await session.shell()
    const screen = new Screen(shell)
    await shell.write('exec sleep 60\n')
    await screen.shows('exec sleep 60')
    await shell.signal('KILL')
    await screen.ended
    expect(screen.events.at(-1)).toMatchObject({ type: 'closed' })
  })

  test('the keyboard is taken over explicitly', async () => {
    await using session = await openSession(world())
    const shell = await session.shell()
    const mine = new Screen(shell)
    const { channels } = world().clients.admin
    const theirs = await channels.attach(shell.id)
    const other = new Screen(theirs)
    expect(theirs.role).toBe('watcher')
    expect(await refusal(theirs.write('no\n'))).toMatchObject({ code: 'CONFLICT' })
    expect(await refusal(channels.write(shell.id, 'no\n'))).toMatchObject({ code: 'CONFLICT' })
    await theirs.takeOver()
    expect(await mine.saw('keyboard')).toMatchObject({ role: 'watcher' })
    expect([theirs.role, shell.role]).toEqual(['driver', 'watcher'])
    expect(await refusal(shell.write('no\n'))).toMatchObject({ code: 'CONFLICT' })
    await theirs.write('echo by the ad""min\n')
    await Promise.all([mine.shows('by the admin'), other.shows('by the admin')])
    expect(mine.text).not.toContain('no')
    await theirs.close()
    await Promise.all([mine.ended, other.ended])
  })

  test('who is not attached types, resizes, signals and takes over as well', async () => {
    await using session = await openSession(world())
    const { operator, admin } = world().clients
    const { id } = await operator.channels.openShell({ sessionId: session.id })
    const screen = new Screen(await operator.channels.attach(id, { role: 'watcher' }))
    await operator.channels.resize(id, { columns: 91, rows: 21 })
    await screen.saw('resized')
    await operator.channels.write(id, 'stty size\n')
    await screen.shows('21 91')
    const mine = await operator.channels.get(id)
    const theirs = await admin.channels.takeOver(id)
    expect(theirs.keyboard).not.toBe(mine.keyboard)
    expect(await refusal(operator.channels.signal(id, 'INT'))).toMatchObject({ code: 'CONFLICT' })
    expect(await admin.channels.close(id)).toMatchObject({ id, kind: 'shell' })
    await screen.ended
  })

  test('opening a shell again with the same id finds the same shell', async () => {
    await using session = await openSession(world())
    const { clients } = world()
    const { operator } = clients
    const commandId = clients.newCommandId()
    const input = { sessionId: session.id, columns: 90, rows: 20, commandId }
    const first = await operator.channels.openShell(input)
    expect(first.id).toBe(commandId)
    expect((await operator.channels.openShell(input)).startedAt).toBe(first.startedAt)
    expect(await refusal(operator.channels.openShell({ ...input, rows: 21 }))).toMatchObject({
      code: 'CONFLICT',
    })
    expect(await session.channels()).toHaveLength(1)
  })

  test('what is asked for has to make sense', async () => {
    await using session = await openSession(world())
    const { channels } = world().clients.operator
    const shell = await session.shell()
    expect(await refusal(channels.attach(shell.id, { offset: 1e9 }))).toMatchObject({ code: 'CONFLICT' })
    expect(await refusal(channels.attach(shell.id, { offset: -1 }))).toMatchObject({
      code: 'VALIDATION_FAILED',
    })
    expect(await refusal(channels.get(UNKNOWN_ID as never))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refusal(session.shell({ term: 'a b' }))).toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(await refusal(session.shell({ env: { 'A-B': 'x' } }))).toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(await refusal(shell.signal('STOP' as never))).toMatchObject({ code: 'VALIDATION_FAILED' })
    expect(await refusal(shell.write(7 as never))).toMatchObject({ code: 'VALIDATION_FAILED' })
    await shell.detach()
    await shell.detach()
  })

  test('B08 B09: a stranger learns of no channel, and who may watch changes nothing', async () => {
    await using session = await openSession(world())
    const { id } = await session.shell()
    const { operator, otherOperator, auditor } = world().clients
    for (const attempt of [
      () => otherOperator.channels.get(id),
      () => otherOperator.channels.attach(id),
      () => otherOperator.channels.write(id, 'x'),
      () => otherOperator.channels.close(id),
      () => otherOperator.channels.list(session.id),
    ])
      expect(await refusal(attempt())).toMatchObject({ code: 'NOT_FOUND' })
    const watching = await auditor.channels.attach(id)
    expect(watching.role).toBe('watcher')
    for (const attempt of [
      () => watching.write('x'),
      () => watching.resize({ columns: 10, rows: 10 }),
      () => watching.signal('INT'),
      () => watching.takeOver(),
      () => watching.close(),
    ])
      expect(await refusal(attempt())).toMatchObject({ code: 'FORBIDDEN' })
    await watching.detach()
    await operator.channels.close(id)
    expect(await refusal(otherOperator.channels.close(id))).toMatchObject({ code: 'NOT_FOUND' })
    expect(await refusal(auditor.channels.close(id))).toMatchObject({ code: 'FORBIDDEN' })
  })
}
