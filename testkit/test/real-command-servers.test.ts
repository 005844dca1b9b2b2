import { once } from 'node:events'
import { userInfo } from 'node:os'
import { describe, expect, test } from 'vitest'
import { startBenchSshServer, startLocalSshServer, waitFor } from '../src/index.js'
import { isAlive } from '../src/process-tree.js'
import { connectSsh, finished } from './ssh-client.js'

describe('startLocalSshServer', () => {
  test.each(['password', 'privateKey'] as const)(
    'runs commands for real after login by %s',
    async (secret) => {
      await using server = await startLocalSshServer()
      const { host, port, username } = server
      await using client = await connectSsh({ host, port, username, [secret]: server[secret] })
      expect(await client.exec('echo $((6 * 7)); echo err >&2; exit 5')).toEqual({
        stdout: '42\n',
        stderr: 'err\n',
        exitCode: 5,
        signal: null,
      })
    },
  )

  test('refuses another password', async () => {
    await using server = await startLocalSshServer({ username: 'demo', password: 'right' })
    const login = { host: server.host, port: server.port, username: 'demo' }
    await expect(connectSsh({ ...login, password: 'wrong' })).rejects.toThrow(/authentication/)
    await using _client = await connectSsh({ ...login, password: 'right' })
  })

  test('passes input on, to the end, through more than a flow window', async () => {
    await using server = await startLocalSshServer()
    await using client = await connectSsh(server)
    const input = 'x'.repeat(5 * 1024 * 1024)
    expect((await client.exec('wc -c', input)).stdout.trim()).toBe(String(input.length))
    expect((await client.exec('cat', input)).stdout.length).toBe(input.length)
  })

  test('passes both outputs whole when both fill the flow window', async () => {
    await using server = await startLocalSshServer()
    await using client = await connectSsh(server)
    const lines = 'yes 0123456789 | head -c 5000000'
    const result = await client.exec(`${lines} & ${lines} >&2; wait; ${lines}; ${lines} >&2`)
    expect([result.stdout.length, result.stderr.length, result.exitCode]).toEqual([10_000_000, 10_000_000, 0])
  })

  test('gives commands the environment of a login and not that of this process', async () => {
    await using server = await startLocalSshServer()
    await using client = await connectSsh(server)
    const { stdout } = await client.exec('echo $HOME $USER $VITEST.')
    expect(stdout).toBe(`${userInfo().homedir} ${userInfo().username} .\n`)
  })

  test('signal requests reach the whole process group and are reported', async () => {
    await using server = await startLocalSshServer()
    await using client = await connectSsh(server)
    const channel = await client.open('sleep 1000 & echo $!; wait')
    const inner = Number(String((await once(channel, 'data'))[0]))
    const result = finished(channel)
    channel.signal('KILL')
    expect(await result).toMatchObject({ exitCode: null, signal: 'KILL' })
    await waitFor(() => !isAlive(inner), { what: 'the inner process to end' })
  })

  test('commands end with their connection', async () => {
    await using server = await startLocalSshServer()
    await using client = await connectSsh(server)
    const channel = await client.open('echo $$; exec sleep 1000')
    const pid = Number(String((await once(channel, 'data'))[0]))
    client.client.destroy()
    await waitFor(() => !isAlive(pid), { what: 'the command to end' })
  })

  test('stop kills even a command that ignores the hang-up', async () => {
    const server = await startLocalSshServer()
    await using client = await connectSsh(server)
    const channel = await client.open("trap '' HUP; echo $$; while :; do sleep 1000; done")
    const pid = Number(String((await once(channel, 'data'))[0]))
    await server.stop()
    await waitFor(() => !isAlive(pid), { what: 'the command to end' })
  })
})

describe('startBenchSshServer', () => {
  test('answers from a process of its own', async () => {
    const server = await startBenchSshServer()
    expect(server.pid).not.toBe(process.pid)
    await using client = await connectSsh(server)
    expect((await client.exec('true')).exitCode).toBe(0)
    expect((await client.exec('echo a b')).stdout).toBe('a b\n')
    expect((await client.exec('bytes 5000000')).stdout.length).toBe(5_000_000)
    expect((await client.exec('rm -rf /')).exitCode).toBe(127)
    await server.stop()
    await client.closed
    expect(isAlive(server.pid)).toBe(false)
  })
})
