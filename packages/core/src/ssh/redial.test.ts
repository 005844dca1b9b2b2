import { FakeClock } from '@krown/testkit'
import { describe, expect, test, vi } from 'vitest'
import { KrownError } from '../errors/krown-error.js'
import { droppedEarly } from './error-mapping.js'
import { redialDropped } from './redial.js'

const dropped = () => droppedEarly(new Error('closed by the peer'))

/** Dials a server that drops the first connections, under a clock that is moved from outside. */
function redial({
  drops,
  timeoutMs = 20_000,
  signal,
}: {
  drops: number
  timeoutMs?: number
  signal?: AbortSignal
}) {
  const clock = new FakeClock()
  const dialledAt: number[] = []
  const dial = vi.fn(async (_timeoutMs: number) => {
    dialledAt.push(clock.monotonic())
    if (dialledAt.length <= drops) throw dropped()
    return 'connected'
  })
  const options = { clock, timeoutMs, signal: signal ?? new AbortController().signal }
  const outcome = redialDropped(dial, options).catch((error: unknown) => error)
  return { clock, dial, dialledAt, outcome }
}

describe('F31: a connection that was dropped before the identification', () => {
  test('is dialled again until it is not', async () => {
    const { clock, dial, outcome } = redial({ drops: 3 })
    await clock.advanceAsync(20_000)
    expect(await outcome).toBe('connected')
    expect(dial).toHaveBeenCalledTimes(4)
  })

  test('is given up after three more attempts', async () => {
    const { clock, dial, outcome } = redial({ drops: 100 })
    await clock.advanceAsync(20_000)
    expect(await outcome).toMatchObject({ code: 'TARGET_UNREACHABLE', retryable: true })
    expect(dial).toHaveBeenCalledTimes(4)
    expect(clock.pendingTimers).toBe(0)
  })

  test('waits longer each time, and never the same for two', async () => {
    const runs = Array.from({ length: 20 }, () => redial({ drops: 3 }))
    await Promise.all(runs.map(({ clock }) => clock.advanceAsync(20_000)))
    const pauses = runs.map(({ dialledAt }) =>
      dialledAt.slice(1).map((at, index) => at - (dialledAt[index] ?? 0)),
    )
    for (const [first = 0, second = 0, third = 0] of pauses) {
      expect([first >= 100, first <= 300]).toEqual([true, true])
      expect([second >= 200, second <= 600]).toEqual([true, true])
      expect([third >= 400, third <= 1_200]).toEqual([true, true])
    }
    expect(new Set(pauses.map(String)).size).toBeGreaterThan(1)
  })

  test('is not dialled again when there would be no time left', async () => {
    const { clock, dial, outcome } = redial({ drops: 100, timeoutMs: 50 })
    await clock.advanceAsync(20_000)
    expect(await outcome).toMatchObject({ code: 'TARGET_UNREACHABLE' })
    expect(dial).toHaveBeenCalledTimes(1)
  })

  test('leaves the next attempt what is left of the time', async () => {
    const { clock, dial, dialledAt, outcome } = redial({ drops: 1 })
    await clock.advanceAsync(20_000)
    await outcome
    expect(dial.mock.calls).toEqual(dialledAt.map((at) => [20_000 - at]))
  })

  test('is not dialled again for whoever has gone', async () => {
    const abort = new AbortController()
    const { clock, dial, outcome } = redial({ drops: 100, signal: abort.signal })
    await clock.advanceAsync(0)
    const reason = new Error('changed my mind')
    abort.abort(reason)
    expect(await outcome).toBe(reason)
    expect(dial).toHaveBeenCalledTimes(1)
    expect(clock.pendingTimers).toBe(0)
  })
})

test('any other failure is final: a credential may have been sent', async () => {
  const failures = [
    'TARGET_AUTH_FAILED',
    'TARGET_UNREACHABLE',
    'TARGET_TIMEOUT',
    'HOST_KEY_MISMATCH',
  ] as const
  for (const code of failures) {
    const failure = new KrownError(code, 'no', { details: { reason: 'disconnected' } })
    const dial = vi.fn(() => Promise.reject(failure))
    const options = { clock: new FakeClock(), timeoutMs: 20_000, signal: new AbortController().signal }
    await expect(redialDropped(dial, options)).rejects.toBe(failure)
    expect(dial).toHaveBeenCalledOnce()
  }
})
