import { randomUUID } from 'node:crypto'
import { type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { call } from '../support/call.js'
import { type Gateway, type Person, startGateway } from '../support/gateway.js'
import { loginTo } from '../support/matrix-world.js'

let target: HostileSshServer
let gateway: Gateway
let admin: Person
let owner: Person
let stranger: Person
/** Of a session that was closed, and of one that goes on. */
let closed: string
let running: string

async function record(): Promise<{ session: string; recording: string }> {
  const { token } = owner
  const { body } = await call(gateway.url, 'POST /api/sessions', { token, body: loginTo(target) })
  const session = String(body.id)
  const execute = { token, body: { command: 'echo recorded' } }
  const { body: command } = await call(gateway.url, `POST /api/sessions/${session}/execute`, execute)
  return { session, recording: String(command.recordingId) }
}

interface Asking {
  person?: Person
  headers?: Record<string, string>
}

beforeAll(async () => {
  target = await startHostileSshServer()
  gateway = await startGateway({ targets: [target] })
  admin = await gateway.admin()
  owner = await gateway.person('operator')
  stranger = await gateway.person('operator')
  const { session, recording } = await record()
  await call(gateway.url, `DELETE /api/sessions/${session}`, { token: owner.token })
  closed = recording
  running = (await record()).recording
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await target.stop()
})

const download = (id: string, query = '', { person = owner, headers = {} }: Asking = {}) =>
  fetch(`${gateway.url}/api/recordings/${id}/download${query}`, {
    headers: { authorization: `Bearer ${person.token}`, ...headers },
  })

const ticketOf = async (id: string, format?: string) => {
  const options = { token: owner.token, body: { ...(format && { format }) } }
  const { body } = await call(gateway.url, `POST /api/recordings/${id}/tickets`, options)
  return String(body.ticket)
}

describe('G13: a download', () => {
  test.each([
    ['asciicast-v3', 'cast', 'application/x-asciicast'],
    ['asciicast-v2', 'cast', 'application/x-asciicast'],
    ['text', 'txt', 'text/plain; charset=utf-8'],
    ['html', 'html', 'text/html; charset=utf-8'],
  ])('of %s is a file that no browser shows or runs', async (format, extension, type) => {
    const response = await download(closed, `?format=${format}`)
    expect(response.status).toBe(200)
    expect(response.headers.get('content-type')).toBe(type)
    const name = `attachment; filename="${closed}.${extension}"`
    expect(response.headers.get('content-disposition')).toBe(name)
    expect(response.headers.get('x-content-type-options')).toBe('nosniff')
    const policy = response.headers.get('content-security-policy')
    expect(policy).toMatch(/sandbox/)
    expect(policy).toMatch(/default-src 'none'/)
    expect((await response.text()).length).toBeGreaterThan(0)
  })

  test('of a recording that goes on ends with what there is', async () => {
    const text = await (await download(running, '?format=text')).text()
    expect(text).toMatch(/^\$ echo recorded\n/)
    expect(text).not.toContain('incomplete')
  })

  test('knows no ranges', async () => {
    const response = await download(closed, '?format=text', { headers: { range: 'bytes=5-' } })
    expect([response.status, response.headers.get('accept-ranges')]).toEqual([200, 'none'])
    expect(await response.text()).toMatch(/^\$ echo/)
  })

  test('is the same for a hundred at once', async () => {
    const texts = await Promise.all(Array.from({ length: 100 }, async () => (await download(closed)).text()))
    expect(new Set(texts).size).toBe(1)
  })

  test('is journaled', async () => {
    await (await download(closed, '?format=html&from=5&to=7')).text()
    const line = `GET /api/journal?action=recording.exported&resourceId=${closed}&limit=200`
    const { body } = await call(gateway.url, line, { token: admin.token })
    const { items } = body as { items: { facts: object; actorUserId: string }[] }
    expect(items[0]).toMatchObject({
      actorUserId: owner.user.id,
      facts: { format: 'html', fromMs: 5, toMs: 7, ownerUserId: owner.user.id },
    })
  })
})

describe('is refused', () => {
  test.each([
    ['?format=exe', 'format'],
    ['?from=-1', 'from'],
    ['?from=1.5', 'from'],
    ['?from=2&to=1', 'to'],
    ['?speed=2', 'speed'],
  ])('%s', async (query, field) => {
    const response = await download(closed, query)
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ details: { fields: [{ path: field }] } })
  })

  test.each(['..%2f..%2fetc%2fpasswd', '%2fetc%2fpasswd', '....', 'x'.repeat(4096), `${'0'.repeat(8)}%00`])(
    'C15: %s as an id',
    async (id) => {
      expect([400, 404]).toContain((await download(id)).status)
    },
  )

  test('B03: somebody else’s, like one that never was', async () => {
    const [theirs, none] = await Promise.all([
      download(closed, '', { person: stranger }),
      download(randomUUID(), '', { person: stranger }),
    ])
    expect([theirs.status, none.status]).toEqual([404, 404])
  })

  test('without a token, before anything is looked at', async () => {
    const response = await fetch(`${gateway.url}/api/recordings/nothing/download?format=exe`)
    expect(response.status).toBe(401)
  })
})

describe('a ticket', () => {
  test('is good without a header, once', async () => {
    const query = `?format=text&ticket=${await ticketOf(closed, 'text')}`
    const bare = () => fetch(`${gateway.url}/api/recordings/${closed}/download${query}`)
    const [first, second] = [await bare(), await bare()]
    expect([first.status, second.status]).toEqual([200, 401])
    expect(await first.text()).toContain('echo recorded')
  })

  test('is bound to its recording and its format', async () => {
    const other = await fetch(
      `${gateway.url}/api/recordings/${running}/download?format=text&ticket=${await ticketOf(closed, 'text')}`,
    )
    const html = await fetch(
      `${gateway.url}/api/recordings/${closed}/download?format=html&ticket=${await ticketOf(closed, 'text')}`,
    )
    expect([other.status, html.status]).toEqual([401, 401])
  })

  test('is worth nothing when its owner has lost the right meanwhile', async () => {
    const leaver = await gateway.person('operator', { auditScope: 'org' })
    const options = { token: leaver.token, body: {} }
    const { body } = await call(gateway.url, `POST /api/recordings/${closed}/tickets`, options)
    const disabled = { token: admin.token, body: { disabled: true } }
    await call(gateway.url, `PATCH /api/users/${leaver.user.id}`, disabled)
    const response = await fetch(`${gateway.url}/api/recordings/${closed}/download?ticket=${body.ticket}`)
    expect(response.status).toBe(401)
  })

  test('of what one may not read there is none', async () => {
    const options = { token: stranger.token, body: {} }
    const { status } = await call(gateway.url, `POST /api/recordings/${closed}/tickets`, options)
    expect(status).toBe(404)
  })
})
