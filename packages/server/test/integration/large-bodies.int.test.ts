import type { ImportTargetsInput, TargetImport } from '@krown/core'
import { waitFor } from '@krown/testkit'
import { expect, test } from 'vitest'
import { examples } from '../../scripts/openapi-examples.js'
import { type Answer, call } from '../support/call.js'
import { fakeKrown, TOKEN } from '../support/fake-krown.js'
import { startGateway } from '../support/gateway.js'
import { request, sendRaw } from '../support/raw-http.js'
import { startServer } from '../support/start-server.js'

const KIB = 1024
const NOTHING_DONE: TargetImport = { dryRun: false, items: [] }
const REST = 'POST /api/targets/import'
const TRPC = 'POST /trpc/targets.import'
const KNOWN_HOSTS = ['POST /api/host-keys/import', 'POST /trpc/hostKeys.import']

/** As many as one call takes, each with tags that make it as large as it may be. */
function inventory(tags = 32): ImportTargetsInput {
  const targets = Array.from({ length: 500 }, (_, i) => ({
    name: `web${i}`,
    host: `web${i}.example.com`,
    username: 'deploy',
    tags: Array.from({ length: tags }, (_tag, n) => `tag-${n}-${'x'.repeat(50)}`),
  }))
  return { targets }
}

/** A gateway that notes what is imported. */
async function serve(importing: (input: ImportTargetsInput) => Promise<TargetImport>) {
  const client = {
    targets: { import: importing },
    hostKeys: { import: async () => examples['hostKeys.import'].output },
  }
  return startServer(fakeKrown({ client: client as never }))
}

const codeOf = ({ status, body }: Answer): unknown => {
  const { error } = body as { error?: { data: { krown: { code: string } } } }
  return [status, error ? error.data.krown.code : body.code]
}

test('C01: an import may be larger than other bodies, up to 4 MiB, over REST and tRPC', async () => {
  const counts: number[] = []
  await using server = await serve(async ({ targets }) => {
    counts.push(targets.length)
    return NOTHING_DONE
  })
  const body = inventory()
  expect(JSON.stringify(body).length).toBeGreaterThan(900 * KIB)
  for (const line of [REST, TRPC]) {
    expect((await call(server.url, line, { token: TOKEN, body })).status).toBe(200)
  }
  expect(counts).toEqual([500, 500])
  for (const line of KNOWN_HOSTS) {
    const lines = { text: '# a comment\n'.repeat(80 * KIB) }
    expect((await call(server.url, line, { token: TOKEN, body: lines })).status).toBe(200)
  }
  const tooLarge = { text: 'x'.repeat(4096 * KIB) }
  for (const line of [REST, TRPC, ...KNOWN_HOSTS]) {
    const answer = await call(server.url, line, { token: TOKEN, body: tooLarge })
    expect(codeOf(answer)).toEqual([413, 'PAYLOAD_TOO_LARGE'])
  }
})

test('C01: a large import of somebody who is not signed in, in a batch, or to elsewhere is refused unread', async () => {
  await using server = await serve(async () => NOTHING_DONE)
  const body = inventory()
  for (const line of [REST, TRPC]) {
    expect(codeOf(await call(server.url, line, { body }))).toEqual([401, 'UNAUTHENTICATED'])
  }
  const elsewhere = [
    'POST /trpc/targets.import,targets.import?batch=1',
    'POST /trpc/targets.create',
    'POST /api/targets',
  ]
  for (const line of elsewhere) {
    expect((await call(server.url, line, { token: TOKEN, body })).status).toBe(413)
  }
})

test('C01: a user has one large import at a time, and small ones go on meanwhile', async () => {
  let finish = (_done: TargetImport) => {}
  let begun = 0
  await using server = await serve(({ targets }) => {
    begun += 1
    if (targets.length !== 500 || begun > 1) return Promise.resolve(NOTHING_DONE)
    return new Promise((resolve) => {
      finish = resolve
    })
  })
  const large = { token: TOKEN, body: inventory() }
  const first = call(server.url, REST, large)
  await waitFor(() => begun === 1, { what: 'the first import' })
  expect(codeOf(await call(server.url, TRPC, large))).toEqual([429, 'RATE_LIMITED'])
  const small = { token: TOKEN, body: { targets: inventory(1).targets.slice(0, 2) } }
  expect((await call(server.url, REST, small)).status).toBe(200)
  finish(NOTHING_DONE)
  expect((await first).status).toBe(200)
  await waitFor(async () => (await call(server.url, TRPC, large)).status === 200, { what: 'the place' })
})

/** Announces a large body and sends no byte of it: only who reads none of it can answer. */
async function announce(port: number, line: string, token: string): Promise<number | undefined> {
  const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
  const length = { 'content-length': String(2048 * KIB) }
  const { statuses } = await sendRaw(port, request(`${line} HTTP/1.1`, { ...headers, ...length }))
  return statuses[0]
}

test('C01: who may not import is refused before anything of a large body is read, and takes no place', async () => {
  await using gateway = await startGateway()
  const { port } = gateway.server
  const readonly = await gateway.person('readonly')
  const operator = await gateway.person('operator')
  for (const { token } of [readonly, operator]) {
    for (const line of [REST, TRPC, ...KNOWN_HOSTS]) expect(await announce(port, line, token)).toBe(403)
  }
  const { token } = await gateway.admin()
  const imported = await call(gateway.url, REST, { token, body: inventory(31) })
  expect(imported.status).toBe(200)
})
