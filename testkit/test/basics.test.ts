import { existsSync, statSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import { expect, test, vi } from 'vitest'
import { requireInCi } from '../src/ci.js'
import { listenOnLoopback } from '../src/free-port.js'
import {
  createTempDir,
  findFreePort,
  findPostgres,
  PortTakenError,
  waitFor,
  withFreePort,
} from '../src/index.js'

test('findFreePort gives a port that can be listened on', async () => {
  const server = createServer()
  const port = await findFreePort()
  expect(await listenOnLoopback(server, port)).toBe(port)
  server.close()
})

test('withFreePort tries another port when the first was taken', async () => {
  const tried: number[] = []
  const result = await withFreePort(async (port) => {
    tried.push(port)
    if (tried.length === 1) throw new PortTakenError('taken')
    return 'started'
  })
  expect(result).toBe('started')
  expect(tried).toHaveLength(2)
})

test('withFreePort gives up at once on any other failure', async () => {
  let calls = 0
  const start = async () => {
    calls++
    throw new Error('bad configuration')
  }
  await expect(withFreePort(start)).rejects.toThrow('bad configuration')
  expect(calls).toBe(1)
})

test('a temporary directory is private and goes away with its content', async () => {
  const dir = await createTempDir()
  writeFileSync(join(dir.path, 'file'), '')
  expect(statSync(dir.path).mode & 0o777).toBe(0o700)
  await dir.stop()
  expect(existsSync(dir.path)).toBe(false)
})

test('waitFor returns the first truthy value', async () => {
  let calls = 0
  expect(await waitFor(() => (++calls === 3 ? 'third' : undefined), { what: 'the third call' })).toBe('third')
})

test('waitFor says what it waited for when time is up', async () => {
  await expect(waitFor(() => false, { what: 'godot', timeoutMs: 1 })).rejects.toThrow(
    'timed out waiting for godot',
  )
})

test('a missing program may be skipped, but not in CI', () => {
  vi.stubEnv('CI', 'false')
  expect(requireInCi(undefined, 'sshd')).toBeUndefined()
  vi.stubEnv('CI', 'true')
  expect(() => requireInCi(undefined, 'sshd')).toThrow('sshd is missing')
  expect(requireInCi('/usr/sbin/sshd', 'sshd')).toBe('/usr/sbin/sshd')
  vi.unstubAllEnvs()
})

test('KROWN_TEST_PG_BIN decides where PostgreSQL is looked for', async () => {
  vi.stubEnv('CI', 'false')
  vi.stubEnv('KROWN_TEST_PG_BIN', '/no/such/directory')
  expect(await findPostgres()).toBeUndefined()
  vi.unstubAllEnvs()
})
