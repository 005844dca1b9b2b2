import { once } from 'node:events'
import { connect } from 'node:net'
import { type Sshd, startHostileSshServer, startRawTcpServer, startSshd, waitFor } from '@krown/testkit'
import { processTree } from '@krown/testkit/process-tree'
import { describe, expect, test } from 'vitest'
import { refusalOf, requestTo, requestToPort, run, testConnector, through } from './ssh-fixture.js'

const dropsOf = (sshd: Sshd) =>
  sshd.log().match(/drop connection #|exited MaxStartups|past MaxStartups/g)?.length ?? 0

/** Holds so many connections open that never log in. */
async function occupy(sshd: Sshd, count: number): Promise<() => void> {
  const sockets = Array.from({ length: count }, () => connect(sshd.port, sshd.host))
  // sshd counts a connection before it says anything on it.
  await Promise.all(sockets.map((socket) => once(socket, 'data')))
  return () => {
    for (const socket of sockets) socket.destroy()
  }
}

describe('F31: sshd with too many logins under way', () => {
  test('is dialled again, and reached when there is room', async () => {
    await using sshd = await startSshd({ config: ['MaxStartups 2:100:2'] })
    await using connector = testConnector()
    const release = await occupy(sshd, 2)

    const connecting = connector.connect(requestTo(sshd))
    await waitFor(() => dropsOf(sshd) > 0, { what: 'a dropped connection' })
    release()

    expect((await run(await connecting, 'echo in')).stdout).toBe('in\n')
  })

  test('is TARGET_UNREACHABLE when there is none after three more attempts', async () => {
    await using sshd = await startSshd({ config: ['MaxStartups 2:100:2'] })
    await using connector = testConnector()
    const release = await occupy(sshd, 2)

    const refusal = await refusalOf(connector.connect(requestTo(sshd)))

    expect(refusal).toMatchObject({ code: 'TARGET_UNREACHABLE', details: { reason: 'dropped' } })
    release()
    // None of the attempts is left behind.
    await expect.poll(async () => (await processTree(sshd.pid)).length).toBe(1)
  })

  test('behind a jump host is reached in the same way, without a new login to the jump host', async () => {
    await using jump = await startHostileSshServer({ onForward: ({ runDefault }) => runDefault() })
    await using sshd = await startSshd({ config: ['MaxStartups 2:100:2'] })
    await using connector = testConnector()
    const release = await occupy(sshd, 2)

    const connecting = connector.connect(requestTo(sshd, { via: through([jump]) }))
    await waitFor(() => dropsOf(sshd) > 0, { what: 'a dropped connection' })
    release()

    expect((await run(await connecting, 'echo in')).stdout).toBe('in\n')
    expect(jump.connectionCount).toBe(1)
  })
})

test.each([
  ['without a word', undefined],
  ['saying so, as OpenSSH 9.8 does', 'Exceeded MaxStartups\r\n'],
])('F31: a server that always hangs up %s is dialled four times', async (_, words) => {
  await using server = await startRawTcpServer({ kind: 'hang-up', ...(words && { words }) })
  await using connector = testConnector()
  const refusal = await refusalOf(connector.connect(requestToPort(server)))
  expect(refusal).toMatchObject({ code: 'TARGET_UNREACHABLE', details: { reason: 'dropped' } })
  expect(server.connectionCount).toBe(4)
})

test('a server that hangs up after other words speaks another protocol, and is left alone', async () => {
  await using server = await startRawTcpServer({ kind: 'hang-up', words: 'Welcome to telnet\r\n' })
  await using connector = testConnector()
  const refusal = await refusalOf(connector.connect(requestToPort(server)))
  expect(refusal).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR', details: { reason: 'not_ssh' } })
  expect(server.connectionCount).toBe(1)
})

test('F31: 40 connections at once to an sshd with its default MaxStartups all succeed', async () => {
  await using sshd = await startSshd()
  await using connector = testConnector()
  const all = await Promise.all(Array.from({ length: 40 }, () => connector.connect(requestTo(sshd))))
  expect(all.filter(({ closedBecause }) => closedBecause === null)).toHaveLength(40)
  expect(dropsOf(sshd)).toBe(0)
})
