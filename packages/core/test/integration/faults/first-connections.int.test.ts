import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import { describeOnBothDatabases, describeOnPostgres } from '../../support/databases.js'
import { configFor, type KrownFixture, krownStarter, startKrown } from '../../support/krown-fixture.js'
import { GatewayProcess } from './gateway-process.js'

const LOGIN = { username: 'ops', password: 'the same everywhere' }
const auth = { method: 'password', password: LOGIN.password } as const

/** Two servers behind one address, each for one of two callers; neither caller hears anything before both are there. */
async function startTwoFaces() {
  const faces = [
    await startHostileSshServer({ auth: LOGIN }),
    await startHostileSshServer({ auth: LOGIN }),
  ] as const
  const callers: Socket[] = []
  const server = createServer((socket) => {
    socket.on('error', () => socket.destroy())
    callers.push(socket)
    if (callers.length < faces.length) return
    for (const [index, face] of faces.entries()) pass(callers[index], face)
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const { port } = server.address() as AddressInfo
  const stop = async () => {
    for (const caller of callers) caller.destroy()
    server.close()
    for (const face of faces) await face.stop()
  }
  return { faces, port, callers, [Symbol.asyncDispose]: stop }
}

function pass(caller: Socket | undefined, face: HostileSshServer): void {
  if (!caller) throw new RangeError('there is no caller')
  const onward = connect(face.port, '127.0.0.1')
  onward.on('error', () => caller.destroy())
  caller.on('close', () => onward.destroy())
  onward.on('close', () => caller.destroy())
  caller.pipe(onward).pipe(caller)
}

type TwoFaces = Awaited<ReturnType<typeof startTwoFaces>>

/** One key is pinned, and whoever saw the other one sent no credential. */
async function expectOnePin({ db }: KrownFixture, { faces, callers }: TwoFaces): Promise<void> {
  expect(callers).toHaveLength(2)
  const pins = await db.selectFrom('known_host_keys').select(['fingerprint']).execute()
  const trusted = faces.filter((face) => pins.some((pin) => pin.fingerprint === face.hostKeyFingerprint))
  expect([pins.length, trusted.length]).toEqual([1, 1])
  for (const face of faces) expect(face.authAttempts.length > 0).toBe(trusted.includes(face))
}

describeOnBothDatabases('two first connections at once that are shown different keys', (openTestDatabase) => {
  const start = krownStarter(openTestDatabase)

  test('F13: from one process: one is pinned, the other refused', async () => {
    await using target = await startTwoFaces()
    await using fixture = await start()
    const open = () =>
      fixture.operator.sessions.open({
        host: '127.0.0.1',
        port: target.port,
        username: LOGIN.username,
        auth,
      })
    const results = await Promise.allSettled([open(), open()])
    const codes = results.map((result) => (result.status === 'rejected' ? result.reason.code : 'connected'))
    expect(codes.sort()).toEqual(['HOST_KEY_MISMATCH', 'connected'])
    await expectOnePin(fixture, target)
  })
})

describeOnPostgres('two first connections at once that are shown different keys', (openTestDatabase) => {
  test('F13: from two processes: one is pinned, the other refused', async () => {
    await using opened = await openTestDatabase()
    await using fixture = await startKrown({ place: opened.place })
    await using target = await startTwoFaces()
    const login = { host: '127.0.0.1', port: target.port, username: LOGIN.username, auth }
    const order = { act: 'come-and-go', config: configFor(opened.place), login, clockAheadMs: 0 } as const
    await using one = new GatewayProcess({ ...order, name: 'one' })
    await using two = new GatewayProcess({ ...order, name: 'two' })
    await Promise.all([one.begin(), two.begin()])
    const [won, lost] = (await Promise.all([one.exit(), two.exit()])).sort(
      (a, b) => Number(a.code) - Number(b.code),
    )
    expect(won).toMatchObject({ code: 0 })
    expect(lost).toMatchObject({ code: 1, output: expect.stringContaining('HOST_KEY_MISMATCH') })
    await expectOnePin(fixture, target)
  })
})
