import { FakeClock } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { KeepaliveSweep } from './keepalive-sweep.js'

class Peer {
  bytesRead = 0
  asked = 0
  answers = false
  lostAt: number | null = null
  readonly carrier: Peer | null
  readonly #clock: FakeClock

  constructor(clock: FakeClock, carrier: Peer | null = null) {
    this.#clock = clock
    this.carrier = carrier
  }

  askForLife(): void {
    this.asked += 1
    if (this.answers) this.bytesRead += 1
  }

  declareLost(): void {
    this.lostAt ??= this.#clock.monotonic()
  }

  onSweep(): void {}
}

function setUp(options: { intervalMs?: number; max?: number } = {}) {
  const clock = new FakeClock()
  return {
    clock,
    peer: new Peer(clock),
    sweep: new KeepaliveSweep({ clock, intervalMs: 15_000, max: 3, ...options }),
  }
}

describe('KeepaliveSweep', () => {
  test.each([0, 1, 2_500, 4_999])(
    'F18: silence that begins %i ms after a sweep is found in 45 s',
    (lastByteAt) => {
      const { clock, peer, sweep } = setUp()
      sweep.watch(peer)
      clock.advance(5_000 + lastByteAt)
      peer.bytesRead += 1
      const silentSince = clock.monotonic()

      clock.advance(60_000)

      const took = (peer.lostAt ?? Number.NaN) - silentSince
      expect(took).toBeLessThanOrEqual(45_000)
      expect(took).toBeGreaterThanOrEqual(40_000)
      expect(peer.asked).toBe(3)
    },
  )

  test.each([
    { intervalMs: 1_000, max: 1 },
    { intervalMs: 30_000, max: 5 },
  ])('keeps interval × max for $intervalMs ms and $max', ({ intervalMs, max }) => {
    const { clock, peer, sweep } = setUp({ intervalMs, max })
    sweep.watch(peer)
    clock.advance(intervalMs * max)
    expect(peer).toMatchObject({ asked: max, lostAt: expect.any(Number) })
  })

  test('asks a connection that answers about once per interval, for ever', () => {
    const { clock, peer, sweep } = setUp()
    sweep.watch(peer)
    let answered = 0
    for (let second = 0; second < 600; second++) {
      clock.advance(1_000)
      if (peer.asked > answered) {
        answered += 1
        peer.bytesRead += 36
      }
    }
    expect(peer.lostAt).toBeNull()
    expect(peer.asked).toBeGreaterThanOrEqual(39)
    expect(peer.asked).toBeLessThanOrEqual(61)
  })

  test('asks nothing of a connection that has traffic', () => {
    const { clock, peer, sweep } = setUp()
    sweep.watch(peer)
    for (let i = 0; i < 100; i++) {
      peer.bytesRead += 1
      clock.advance(5_000)
    }
    expect(peer).toMatchObject({ asked: 0, lostAt: null })
  })

  test('has one timer for any number of connections, and none without', () => {
    const { clock, sweep } = setUp()
    const peers = Array.from({ length: 100 }, () => new Peer(clock))
    for (const peer of peers) sweep.watch(peer)
    clock.advance(12_345)
    expect(clock.pendingTimers).toBe(1)
    for (const peer of peers) sweep.forget(peer)
    expect(clock.pendingTimers).toBe(0)
  })

  test('goes on with the others when a peer leaves during the sweep', () => {
    const { clock, peer, sweep } = setUp()
    const leaving = new Peer(clock)
    leaving.declareLost = () => sweep.forget(leaving)
    sweep.watch(leaving)
    sweep.watch(peer)
    clock.advance(45_000)
    expect(peer.lostAt).not.toBeNull()
  })

  describe('F18: of a silent target behind jump hosts', () => {
    function setUpWay() {
      const { clock, peer: first, sweep } = setUp()
      const second = new Peer(clock, first)
      const target = new Peer(clock, second)
      for (const peer of [first, second, target]) sweep.watch(peer)
      const lost = () => [first, second, target].map(({ lostAt }) => lostAt !== null)
      return { clock, first, second, lost }
    }

    test('the first jump host is lost when it is silent too, whoever is found silent first', () => {
      const { clock, first, second, lost } = setUpWay()
      // What the target sent last was one sweep earlier.
      first.bytesRead += 1
      second.bytesRead += 1
      clock.advance(40_000)
      expect(lost()).toEqual([true, false, false])
    })

    test('the second is lost when the first answers', () => {
      const { clock, first, lost } = setUpWay()
      first.answers = true
      clock.advance(40_000)
      expect(lost()).toEqual([false, true, false])
    })

    test('the target is lost when both answer', () => {
      const { clock, first, second, lost } = setUpWay()
      first.answers = true
      second.answers = true
      clock.advance(40_000)
      expect(lost()).toEqual([false, false, true])
    })
  })
})
