import { startHostileSshServer, startSshd } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import type { ProgramOptions, SshChannel, SshConnection } from '../../../src/ssh/connector.js'
import { Collector, refusalOf, requestTo, testConnector } from './ssh-fixture.js'

const TERMINAL = { term: 'xterm-256color', columns: 132, rows: 43 }

describe('a shell on sshd', () => {
  test('has a terminal of that kind and size, and learns of a new size', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const { channel, output } = await openShell(connection)
    await channel.write(Buffer.from('echo "[$TERM]"; stty size\n'))
    await output.printed('43 132')
    expect(output.stdout).toContain('[xterm-256color]')
    channel.resize(80, 24)
    await channel.write(Buffer.from('stty size; exit 3\n'))
    expect(await output.ended).toEqual({ exitCode: 3, signal: null, error: null })
    expect(output.stdout).toContain('24 80')
    expect(output.stderr).toBe('')
  })

  test('Ctrl-C reaches the program in it, and closing the channel ends it', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const { channel, output } = await openShell(connection)
    await channel.write(Buffer.from("sh -c 'echo re''ady; sleep 600'\n"))
    await output.printed('ready\r\n')
    await channel.write(Buffer.from([3]))
    await channel.write(Buffer.from('echo status $?.\n'))
    await output.printed('status 130.')
    channel.close()
    expect(await output.ended).toMatchObject({ error: null })
  })

  test('a command can have a terminal, and then both of its streams are one', async () => {
    await using sshd = await startSshd()
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(sshd))
    const output = new Printed()
    await connection.exec('tty >/dev/null && stty size >&2', output, { terminal: TERMINAL })
    expect(await output.ended).toMatchObject({ exitCode: 0 })
    expect([output.stdout, output.stderr]).toEqual(['43 132\r\n', ''])
  })
})

describe('a terminal of a scripted server', () => {
  test('comes with the environment that was asked for', async () => {
    const seen: unknown[] = []
    await using server = await startHostileSshServer({
      onShell: (channel, { env, pty }) => {
        seen.push({ env, pty })
        channel.exit(0)
        channel.end()
      },
    })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const { output } = await openShell(connection, { env: { LANG: 'C.UTF-8', GREETING: 'grüße' } })
    await output.ended
    expect(seen).toEqual([{ env: { LANG: 'C.UTF-8', GREETING: 'grüße' }, pty: TERMINAL }])
  })

  test('that is refused runs nothing', async () => {
    await using server = await startHostileSshServer({ terminals: 'refuse' })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const error = await refusalOf(openShell(connection))
    expect(error).toMatchObject({
      code: 'TARGET_CHANNEL_REFUSED',
      message: 'the target refused a terminal',
      details: { phase: 'channel' },
    })
    expect(await refusalOf(connection.exec('true', new Collector(), { terminal: TERMINAL }))).toEqual(error)
    expect(server.execs).toEqual([])
  })

  test('that never comes can be given up, and its channel is closed', async () => {
    const closed: string[] = []
    await using server = await startHostileSshServer({ terminals: 'ignore', maxChannels: 1 })
    await using connector = testConnector()
    const connection = await connector.connect(requestTo(server))
    const giveUp = new AbortController()
    const opening = openShell(connection, { signal: giveUp.signal }).catch((error) =>
      closed.push(String(error)),
    )
    giveUp.abort(new Error('enough'))
    await opening
    expect(closed).toEqual(['Error: enough'])
  })
})

/** Tells when a text has arrived. */
class Printed extends Collector {
  async printed(text: string): Promise<void> {
    while (!this.stdout.includes(text)) await this.received(this.bytes + 1)
  }
}

async function openShell(
  connection: SshConnection,
  options: Omit<ProgramOptions, 'terminal'> = {},
): Promise<{ channel: SshChannel; output: Printed }> {
  const output = new Printed()
  return { channel: await connection.shell(TERMINAL, output, options), output }
}
