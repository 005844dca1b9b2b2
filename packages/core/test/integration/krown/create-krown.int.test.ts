import { FakeClock, startSshd } from '@krown/testkit'
import { expect, test } from 'vitest'
import { startKrown } from '../../support/krown-fixture.js'

test('a gateway on its own runs a command for an operator', async () => {
  await using sshd = await startSshd()
  const clock = new FakeClock()
  const fixture = await startKrown({ clock })
  const session = await fixture.open(sshd)
  const command = await session.exec('echo hello; exit 3')
  expect(command).toMatchObject({ status: 'completed', exitCode: 3, stdout: 'hello\n' })
  await fixture[Symbol.asyncDispose]()
  expect(clock.pendingTimers).toBe(0)
})
