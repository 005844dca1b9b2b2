import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync } from 'node:fs'
import { request } from 'node:https'
import { join } from 'node:path'
import { connect as connectTls } from 'node:tls'
import { createTempDir } from '@krown/testkit'
import { expect, test } from 'vitest'
import { fakeKrown } from '../support/fake-krown.js'
import { connectTo, readAll } from '../support/raw-http.js'
import { startServer, type TestServer } from '../support/start-server.js'

const hasOpenssl = (() => {
  try {
    return execFileSync('openssl', ['version']).length > 0
  } catch {
    return false
  }
})()

function makeCertificate(dir: string) {
  const [tlsKey, tlsCert] = [join(dir, 'key.pem'), join(dir, 'cert.pem')]
  const subject = ['-subj', '/CN=localhost', '-days', '2']
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-keyout', tlsKey]
  execFileSync('openssl', ['req', '-x509', ...key, ...subject, '-out', tlsCert], { stdio: 'ignore' })
  chmodSync(tlsKey, 0o600)
  return { tlsKey, tlsCert }
}

async function get(server: TestServer, path: string) {
  const sent = request({
    host: '127.0.0.1',
    port: server.port,
    path,
    rejectUnauthorized: false,
    agent: false,
  })
  sent.end()
  const [response] = await once(sent, 'response')
  response.resume()
  await once(response, 'end')
  return response as { statusCode: number; headers: Record<string, string> }
}

test.skipIf(!hasOpenssl)(
  'with a certificate everything is HTTPS, and browsers are told to stay with it',
  async () => {
    await using dir = await createTempDir()
    await using server = await startServer(fakeKrown(), { config: { server: makeCertificate(dir.path) } })
    const { statusCode, headers } = await get(server, '/healthz')
    expect(statusCode).toBe(200)
    expect(headers['strict-transport-security']).toBe('max-age=63072000; includeSubDomains')
    await expect(fetch(`${server.url}/healthz`)).rejects.toThrow()
  },
)

test.skipIf(!hasOpenssl)('old versions of TLS are refused', async () => {
  await using dir = await createTempDir()
  await using server = await startServer(fakeKrown(), { config: { server: makeCertificate(dir.path) } })
  const options = {
    host: '127.0.0.1',
    port: server.port,
    rejectUnauthorized: false,
    maxVersion: 'TLSv1.1',
    minVersion: 'TLSv1',
  } as const
  const socket = connectTls({ ...options, ciphers: 'DEFAULT@SECLEVEL=0' })
  const [error] = await once(socket, 'error')
  expect(error).toBeInstanceOf(Error)
})

test.skipIf(!hasOpenssl)('C11: silent and half-open handshakes keep nobody out', async () => {
  await using dir = await createTempDir()
  await using server = await startServer(fakeKrown(), {
    config: { server: makeCertificate(dir.path) },
    http: { maxConnections: 10, headersTimeoutMs: 300, checkIntervalMs: 50 },
  })
  const silent = await Promise.all(Array.from({ length: 50 }, () => connectTo(server.port)))
  expect((await get(server, '/healthz')).statusCode).toBe(200)
  for (const { closed } of await Promise.all(silent.map(readAll))) expect(closed).toBe(true)
})
