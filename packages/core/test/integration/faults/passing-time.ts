import { type FakeClock, waitFor } from '@krown/testkit'

const STEP_MS = 100

/** Lets time pass, a step at a time, until the promise has settled. */
export async function whileTimePasses<T>(clock: FakeClock, promise: Promise<T>): Promise<T> {
  let settled = false
  const settle = () => {
    settled = true
  }
  promise.then(settle, settle)
  const step = async () => {
    await clock.advanceAsync(STEP_MS)
    return settled
  }
  await waitFor(step, { what: 'something that time should bring', timeoutMs: 30_000 })
  return promise
}
