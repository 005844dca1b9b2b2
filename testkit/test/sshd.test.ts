import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import {
  createTempDir,
  findSshd,
  fingerprintOf,
  generateKey,
  type Sshd,
  startSshd,
  waitFor,
} from '../src/index.js'
import { isAlive } from '../src/process-tree.js'
import { closeOf, connectSsh } from './ssh-client.js'

const asRoot = process.getuid?.() === 0
const byKey = ({ host, port, username, privateKey }: Sshd) => ({ host, port, username, privateKey })

async function seenFingerprint(sshd: Sshd): Promise<string> {
  let fingerprint = ''
  await using _client = await connectSsh({
    ...byKey(sshd),
    hostVerifier: (key: Buffer) => {
      fingerprint = fingerprintOf(key)
      return true
    },
  })
  return fingerprint
}

describe.skipIf(!findSshd())('startSshd', () => {
  test('serves commands to a key login', async () => {
    await using sshd = await startSshd()
    await using client = await connectSsh(byKey(sshd))
    expect(await client.exec('id -un; echo err >&2; exit 3')).toEqual({
      stdout: `${sshd.username}\n`,
      stderr: 'err\n',
      exitCode: 3,
      signal: null,
    })
  })

  test.each(asRoot ? ['krown-test', 'root'] : [])('lets %s in when run as root', async (username) => {
    await using sshd = await startSshd()
    expect(sshd.users).toContain(username)
    await using client = await connectSsh({ ...byKey(sshd), username })
    expect((await client.exec('id -un')).stdout).toBe(`${username}\n`)
  })

  test('serves OpenSSH itself as client', async () => {
    await using sshd = await startSshd()
    await using dir = await createTempDir()
    const key = join(dir.path, 'key')
    await writeFile(key, sshd.privateKey, { mode: 0o600 })
    const options = [
      'StrictHostKeyChecking=no',
      `UserKnownHostsFile=${join(dir.path, 'known')}`,
      'BatchMode=yes',
    ]
    const args = ['-i', key, '-p', String(sshd.port), ...options.flatMap((option) => ['-o', option])]
    const { stdout } = await promisify(execFile)('ssh', [
      ...args,
      `${sshd.username}@${sshd.host}`,
      'echo hello',
    ])
    expect(stdout).toBe('hello\n')
  })

  test.runIf(asRoot)('takes the password, and refuses a wrong one', async () => {
    await using sshd = await startSshd()
    const { host, port, username, password } = sshd
    await using client = await connectSsh({ host, port, username, password })
    expect((await client.exec('true')).exitCode).toBe(0)
    await expect(connectSsh({ host, port, username, password: 'wrong' })).rejects.toThrow(/authentication/)
  })

  test.runIf(asRoot)('asks for the password through PAM by keyboard-interactive', async () => {
    await using sshd = await startSshd({ config: ['AuthenticationMethods keyboard-interactive'] })
    const { host, port, username, password = '' } = sshd
    const { default: ssh2 } = await import('ssh2')
    const client = new ssh2.Client()
    const prompts: string[] = []
    client.on('error', () => undefined)
    client.on('keyboard-interactive', (...args) => {
      prompts.push(...args[3].map(({ prompt }) => prompt))
      args[4]([password])
    })
    client.connect({ host, port, username, tryKeyboard: true })
    await once(client, 'ready')
    client.end()
    await closeOf(client)
    expect(prompts).toEqual([expect.stringMatching(/password/i)])
  })

  test('ends a command by a signal request', async () => {
    await using sshd = await startSshd()
    await using client = await connectSsh(byKey(sshd))
    const channel = await client.open('echo started; exec sleep 1000')
    await once(channel, 'data')
    const exit = once(channel, 'exit')
    channel.signal('TERM')
    expect((await exit)[1]).toBe('SIGTERM')
  })

  test('obeys extra configuration', async () => {
    await using sshd = await startSshd({ config: ['MaxSessions 1'] })
    await using client = await connectSsh(byKey(sshd))
    await client.open('cat')
    await expect(client.open('cat')).rejects.toThrow(/open failed/)
  })

  test('shows the host keys it was given, and another after replaceHostKey on the same port', async () => {
    const first = generateKey({ type: 'ecdsa' })
    await using sshd = await startSshd({ hostKeys: [first] })
    const { port } = sshd
    expect(await seenFingerprint(sshd)).toBe(first.fingerprint)
    await sshd.replaceHostKey()
    expect(sshd.port).toBe(port)
    expect(sshd.hostKeyFingerprint).not.toBe(first.fingerprint)
    expect(await seenFingerprint(sshd)).toBe(sshd.hostKeyFingerprint)
  })

  test('stop ends the connections and the commands that outlived theirs', async () => {
    const sshd = await startSshd()
    await using leaver = await connectSsh(byKey(sshd))
    await using stayer = await connectSsh(byKey(sshd))
    const orphan = Number((await leaver.exec('sleep 1000 >/dev/null 2>&1 & echo $!')).stdout)
    const running = await stayer.open('echo $$; exec sleep 1000')
    const child = Number(String((await once(running, 'data'))[0]))
    leaver.client.end()
    await leaver.closed
    expect([orphan, child].map(isAlive)).toEqual([true, true])
    await sshd.stop()
    await stayer.closed
    await waitFor(() => ![orphan, child].some(isAlive), { what: 'commands to end' })
  })

  test('keeps what sshd logged', async () => {
    await using sshd = await startSshd()
    await using _client = await connectSsh(byKey(sshd))
    await waitFor(() => sshd.log().includes(`Accepted publickey for ${sshd.username}`), {
      what: 'the log line',
    })
  })

  test('reports what sshd says about a bad configuration', async () => {
    await expect(startSshd({ config: ['NoSuchOption yes'] })).rejects.toThrow(/NoSuchOption/)
  })
})
