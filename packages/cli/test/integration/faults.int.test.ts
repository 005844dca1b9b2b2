import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type FaultProxy, type LocalSshServer, startFaultProxy, startLocalSshServer } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { krown } from '../support/krown.js'
import { type Office, startOffice } from '../support/office.js'

describe('a connection to the server that is cut', () => {
  let office: Office
  let target: LocalSshServer
  let proxy: FaultProxy
  let env: NodeJS.ProcessEnv
  let session: string
  let home: string

  beforeAll(async () => {
    office = await startOffice()
    target = await startLocalSshServer()
    proxy = await startFaultProxy({ host: '127.0.0.1', port: office.gateway.server.port })
    home = (await office.newDesk()).home
    const { token } = await office.gateway.person('operator')
    env = { HOME: home, KROWN_TOKEN: token, KROWN_URL: `http://${proxy.host}:${proxy.port}` }
    const args = [`${target.username}@${target.host}`, '-p', String(target.port), '--password-stdin']
    const opened = await krown(['sessions', 'open', ...args], { env, stdin: target.password })
    session = opened.stdout.trim()
  })
  afterAll(async () => {
    await proxy.stop()
    await office[Symbol.asyncDispose]()
    await target.stop()
  })

  test.each([
    ['before the server has it', false],
    ['before its answer is here', true],
  ])('%s: the command runs once', async (_, delivered) => {
    const file = join(home, `runs-${delivered}`)
    await writeFile(file, '')
    const cut = proxy.cutWhenClientSends('commands.start', { delivered })
    const { exitCode, stdout } = await krown(
      ['exec', session, '-n', '--', `echo run >> ${file}; echo done`],
      {
        env,
      },
    )
    await cut
    expect([exitCode, stdout, await readFile(file, 'utf8')]).toEqual([0, 'done\n', 'run\n'])
  })

  test('in the middle of output that the server still holds: every byte arrives, once', async () => {
    const cut = proxy.cutAfterBytes(60_000)
    const { exitCode, stdout } = await krown(['exec', session, '-n', '--', 'seq 1 18000'], { env })
    await cut
    const expected = Array.from({ length: 18_000 }, (_, at) => `${at + 1}\n`).join('')
    expect([exitCode, stdout === expected]).toEqual([0, true])
  })

  test('in the middle of more than the server holds: what is lost is said, to the byte', async () => {
    const bytes = 20_000_000
    const cut = proxy.cutAfterBytes(2_000_000)
    const command = `head -c ${bytes} /dev/zero`
    const { exitCode, stdout, stderr } = await krown(['exec', session, '-n', '--', command], { env })
    await cut
    const lost = [...stderr.matchAll(/(\d+) bytes of output are lost/g)].map(([, count]) => Number(count))
    expect(stdout.length + lost.reduce((sum, count) => sum + count, 0)).toBe(bytes)
    expect(exitCode).toBe(lost.length === 0 ? 0 : 255)
  })

  test('in the middle of input: the command is cancelled, because nobody knows what it has read', async () => {
    const cut = proxy.cutWhenClientSends('commands.write', { delivered: true })
    const { exitCode, stderr } = await krown(['exec', session, '--', 'cat > /dev/null; sleep 60'], {
      env,
      stdin: 'some input',
    })
    await cut
    expect([exitCode, stderr]).toEqual([255, expect.stringContaining('CONNECTION_LOST')])
    const { stdout } = await krown(['commands', 'ls', '--limit', '1', '--json'], { env })
    expect(JSON.parse(stdout).items[0]).toMatchObject({ status: 'cancelled' })
  })
})
