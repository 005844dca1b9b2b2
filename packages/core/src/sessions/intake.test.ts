import { setImmediate as nextTurn } from 'node:timers/promises'
import { expect, onTestFinished, test } from 'vitest'
import { Intake } from './intake.js'

test('any number of sessions may wait for the intake to close without Node warning of a leak', async () => {
  const warnings: Error[] = []
  const onWarning = (warning: Error) => warnings.push(warning)
  process.on('warning', onWarning)
  onTestFinished(() => void process.off('warning', onWarning))
  const { signal } = new Intake()
  for (let index = 0; index < 100; index += 1) signal.addEventListener('abort', () => undefined)
  await nextTurn()
  expect(warnings).toEqual([])
})
