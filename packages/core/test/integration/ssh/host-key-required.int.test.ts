import { startHostileSshServer, startSshd } from '@krown/testkit'
import { expect, test } from 'vitest'
import { refusalOf, startKrown } from '../../support/krown-fixture.js'
import { addTarget } from '../targets/targets-fixture.js'
import { requestTo, testConnector, through } from './ssh-fixture.js'

/** As a program in plain JavaScript could forget it; the types do not allow it. */
const NO_VERIFIER = { verifyHostKey: undefined as never }

test('T18: without a verifier of the host key there is no connection, and no credential leaves', async () => {
  await using server = await startHostileSshServer()
  await using connector = testConnector()
  await expect(connector.connect(requestTo(server, NO_VERIFIER))).rejects.toThrow(TypeError)
  expect(server.authAttempts).toEqual([])
})

test('T18: nor is there one through a jump host without a verifier', async () => {
  await using jump = await startHostileSshServer({ onForward: ({ runDefault }) => runDefault() })
  await using server = await startHostileSshServer()
  await using connector = testConnector()
  const request = requestTo(server, { via: through([jump], () => NO_VERIFIER) })
  await expect(connector.connect(request)).rejects.toThrow(TypeError)
  expect([jump.authAttempts, server.connectionCount]).toEqual([[], 0])
})

test('T18: an sshd whose key was swapped sees no attempt to sign in, however the session is opened', async () => {
  await using sshd = await startSshd({ config: ['LogLevel DEBUG1'] })
  await using fixture = await startKrown()
  const { id: targetId } = await addTarget(fixture.admin, sshd)
  await (await fixture.operator.sessions.open({ targetId })).close()
  expect(sshd.log()).toContain('userauth-request')
  await sshd.replaceHostKey()
  const mismatch = { code: 'HOST_KEY_MISMATCH' }
  expect(await refusalOf(fixture.operator.sessions.open({ targetId }))).toMatchObject(mismatch)
  expect(await refusalOf(fixture.open(sshd))).toMatchObject(mismatch)
  expect(sshd.log()).not.toContain('userauth-request')
})
