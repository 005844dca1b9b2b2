import { FakeClock } from '@krown/testkit'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { OutputBudget } from './output-budget.js'
import type { OutputCarrier } from './output-carrier.js'
import {
  DRIVER_RETURN_MS,
  DRIVER_STALL_MS,
  type HubEvent,
  OutputHub,
  type OutputReader,
} from './output-hub.js'
import { type OutputStream, RING_BYTES } from './output-ring.js'

/** A channel that keeps to what it is told. */
class Tap {
  paused = false
  pauses = 0

  pause(): void {
    this.paused = true
    this.pauses += 1
  }

  resume(): void {
    this.paused = false
  }
}

function connectedHub() {
  const clock = new FakeClock()
  const hub = new OutputHub(clock, new OutputBudget())
  const tap = new Tap()
  hub.connect(tap)
  return { clock, hub, tap }
}

const byteAt = (offset: number) => (offset * 31 + (offset >> 8)) & 0xff

/** Prints through a hub, remembering which stream each byte went to. */
class Printer {
  readonly streams: OutputStream[] = []
  readonly #hub: OutputHub

  constructor(hub: OutputHub) {
    this.#hub = hub
  }

  print(stream: OutputStream, bytes: number): void {
    const start = this.streams.length
    for (let i = 0; i < bytes; i += 1) this.streams.push(stream)
    this.#hub.append(stream, Buffer.from(Uint8Array.from({ length: bytes }, (_, i) => byteAt(start + i))))
  }

  /** Checks that the events follow each other and say what was printed. */
  check(events: readonly HubEvent[]): { readonly end: number; readonly lost: number } {
    let end = 0
    let lost = 0
    for (const event of events) {
      if (event.type === 'gap') {
        expect(event.fromOffset).toBe(end)
        expect(event.toOffset).toBeGreaterThan(end)
        lost += event.toOffset - end
        end = event.toOffset
      } else {
        expect(event.offset).toBe(end)
        const { data, stream } = event
        const start = end
        const wrong = data.findIndex(
          (byte, i) => byte !== byteAt(start + i) || this.streams[start + i] !== stream,
        )
        expect(wrong).toBe(-1)
        end += data.length
      }
    }
    return { end, lost }
  }
}

/** What can be read now without waiting. */
async function readAvailable(reader: OutputReader, atMost = Number.POSITIVE_INFINITY): Promise<HubEvent[]> {
  const events: HubEvent[] = []
  const nothingYet = AbortSignal.abort(new Error('nothing yet'))
  while (events.length < atMost) {
    const event = await reader.next({ signal: nothingYet }).catch((error: Error) => {
      if (error.message !== 'nothing yet') throw error
    })
    if (!event) break
    events.push(event)
  }
  return events
}

type Step =
  | { readonly kind: 'print'; readonly stream: OutputStream; readonly bytes: number }
  | { readonly kind: 'read'; readonly who: 'driver' | 'watcher'; readonly events: number }

const step = fc.oneof(
  fc.record({
    kind: fc.constant('print' as const),
    stream: fc.constantFrom<OutputStream>('stdout', 'stderr'),
    bytes: fc.oneof(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 35_000 })),
  }),
  fc.record({
    kind: fc.constant('read' as const),
    who: fc.constantFrom('driver' as const, 'watcher' as const),
    events: fc.integer({ min: 1, max: 6 }),
  }),
) satisfies fc.Arbitrary<Step>

test('a driver loses nothing and a watcher is told of all it lost, whatever the pattern', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 120 }), async (steps) => {
      const { hub, tap } = connectedHub()
      const printer = new Printer(hub)
      const readers = { driver: hub.openReader(0, 'driver'), watcher: hub.openReader(0, 'watcher') }
      const events: Record<'driver' | 'watcher', HubEvent[]> = { driver: [], watcher: [] }
      for (const next of steps) {
        // The target obeys: it prints nothing while the channel is paused.
        if (next.kind === 'print' && !tap.paused) printer.print(next.stream, next.bytes)
        if (next.kind === 'read')
          events[next.who].push(...(await readAvailable(readers[next.who], next.events)))
      }
      hub.finish()
      for (const who of ['driver', 'watcher'] as const) {
        events[who].push(...(await readAvailable(readers[who])))
        const { end, lost } = printer.check(events[who])
        expect(end).toBe(printer.streams.length)
        if (who === 'driver') expect(lost).toBe(0)
      }
    }),
    { numRuns: 100 },
  )
})

test('a driver loses nothing when the target alternates between the streams byte by byte', async () => {
  const { hub, tap } = connectedHub()
  const printer = new Printer(hub)
  const driver = hub.openReader(0, 'driver')
  for (let i = 0; i < 10_000 && !tap.paused; i += 1) printer.print(i % 2 === 0 ? 'stdout' : 'stderr', 1)
  expect(tap.paused).toBe(true)
  hub.finish()
  expect(printer.check(await readAvailable(driver))).toEqual({ end: printer.streams.length, lost: 0 })
})

test('a driver that stops reading pauses the target before the ring is full, and reading on resumes it', async () => {
  const { hub, tap } = connectedHub()
  const printer = new Printer(hub)
  const driver = hub.openReader(0, 'driver')
  while (!tap.paused) printer.print('stdout', 35_000)
  expect(printer.streams.length).toBeLessThanOrEqual(RING_BYTES)
  await readAvailable(driver)
  expect(tap.paused).toBe(false)
  expect(tap.pauses).toBe(1)
})

test('a watcher that stops reading pauses nothing', () => {
  const { hub, tap } = connectedHub()
  hub.openReader(0, 'watcher')
  new Printer(hub).print('stdout', 10 * RING_BYTES)
  expect(tap.pauses).toBe(0)
})

test('a driver that does not read for 60 s is told so, and the target goes on', async () => {
  const { hub, tap, clock } = connectedHub()
  const printer = new Printer(hub)
  const driver = hub.openReader(0, 'driver')
  while (!tap.paused) printer.print('stdout', 35_000)
  await clock.advanceAsync(DRIVER_STALL_MS - 1)
  expect(tap.paused).toBe(true)
  await clock.advanceAsync(1)
  expect(tap.paused).toBe(false)
  printer.print('stdout', 10 * RING_BYTES)
  expect(tap.paused).toBe(false)
  await expect(driver.next()).rejects.toMatchObject({ code: 'READER_TOO_SLOW', details: { offset: 0 } })
  const again = hub.openReader(0, 'driver')
  hub.finish()
  expect(printer.check(await readAvailable(again))).toEqual({
    end: printer.streams.length,
    lost: printer.streams.length - RING_BYTES,
  })
  expect(clock.pendingTimers).toBe(0)
})

test('the stall is counted anew each time the target is paused', async () => {
  const { hub, tap, clock } = connectedHub()
  const printer = new Printer(hub)
  const driver = hub.openReader(0, 'driver')
  for (let i = 0; i < 3; i += 1) {
    while (!tap.paused) printer.print('stdout', 35_000)
    await clock.advanceAsync(DRIVER_STALL_MS - 1)
    await readAvailable(driver)
    expect(tap.paused).toBe(false)
  }
})

test('when the driver leaves, the target flows, and whoever comes back is the driver', async () => {
  const { hub, tap, clock } = connectedHub()
  const printer = new Printer(hub)
  const driver = hub.openReader(0, 'driver')
  while (!tap.paused) printer.print('stdout', 35_000)
  const [first] = await readAvailable(driver, 1)
  driver.close()
  expect(tap.paused).toBe(false)
  expect(clock.pendingTimers).toBe(0)
  const after = first?.type === 'output' ? first.offset + first.data.length : Number.NaN
  const back = hub.openReader(after, 'driver')
  while (!tap.paused) printer.print('stdout', 35_000)
  expect((await readAvailable(back))[0]).toMatchObject({ type: 'output', offset: after })
})

test('a place that is kept for a driver holds the target until he comes, and he misses nothing', async () => {
  const { hub, tap } = connectedHub()
  const printer = new Printer(hub)
  hub.reserveDriver()
  while (!tap.paused) printer.print('stdout', 10_000)
  const driver = hub.openReader(0, 'driver')
  expect(tap.paused).toBe(true)
  const events = await readAvailable(driver)
  expect(tap.paused).toBe(false)
  hub.openReader(0, 'driver').close()
  while (!tap.paused) printer.print('stderr', 10_000)
  hub.finish()
  events.push(...(await readAvailable(driver)))
  expect(printer.check(events)).toEqual({ end: printer.streams.length, lost: 0 })
})

test('a place that is kept in vain holds the target for 60 s', () => {
  const { clock, hub, tap } = connectedHub()
  hub.reserveDriver()
  while (!tap.paused) hub.append('stdout', Buffer.alloc(10_000))
  clock.advance(DRIVER_STALL_MS)
  expect(tap.paused).toBe(false)
  while (!tap.paused && hub.end < 2 * RING_BYTES) hub.append('stdout', Buffer.alloc(10_000))
  expect(tap.paused).toBe(false)
})

/** A way that tells how far everything came only when it is asked to. */
class Way implements OutputCarrier {
  broke = false
  arrivedUpTo: (offset: number) => void = () => {}

  onArrived(listener: (offset: number) => void): void {
    this.arrivedUpTo = listener
  }
}

/** A driver who read all that the target may print before it has to wait, and has of it what arrived: `has` bytes. */
async function drivenFarAway(has: number) {
  const parts = connectedHub()
  const printer = new Printer(parts.hub)
  const way = new Way()
  const driver = parts.hub.openReader(0, 'driver', way)
  while (!parts.tap.paused) {
    printer.print('stdout', 10_000)
    await readAvailable(driver)
  }
  way.arrivedUpTo(has)
  return { ...parts, printer, way, driver }
}

test('what is on the way to a driver counts as unread, up to 1 MiB', async () => {
  const { hub, tap, way } = await drivenFarAway(0)
  expect(hub.end).toBeGreaterThan(900_000)
  expect(hub.size).toBeLessThanOrEqual(1024 * 1024)
  way.arrivedUpTo(hub.end)
  expect(tap.paused).toBe(false)
})

test('without memory to spare less is on the way', async () => {
  const clock = new FakeClock()
  const budget = new OutputBudget(RING_BYTES)
  const hub = new OutputHub(clock, budget)
  const tap = new Tap()
  hub.connect(tap)
  const driver = hub.openReader(0, 'driver', new Way())
  const printer = new Printer(hub)
  while (!tap.paused) {
    printer.print('stdout', 10_000)
    await readAvailable(driver)
  }
  expect(hub.size).toBe(2 * RING_BYTES)
  expect(budget.take(1)).toBe(false)
  hub.finish()
  hub.leaveBudget()
  expect(budget.take(RING_BYTES)).toBe(true)
})

test('a driver whose way broke comes back, and misses nothing of what was on the way and came since', async () => {
  const { hub, tap, clock, printer, way, driver } = await drivenFarAway(800_000)
  way.broke = true
  driver.close()
  expect(tap.paused).toBe(false)
  while (!tap.paused) printer.print('stderr', 10_000)
  expect((await readAvailable(hub.openReader(0, 'watcher')))[0]).toMatchObject({ type: 'gap' })
  const back = hub.openReader(800_000, 'driver', new Way())
  await clock.advanceAsync(DRIVER_RETURN_MS)
  expect(tap.paused).toBe(true)
  const had: HubEvent = { type: 'gap', fromOffset: 0, toOffset: 800_000 }
  const whole = printer.check([had, ...(await readAvailable(back))])
  expect(whole).toEqual({ end: printer.streams.length, lost: 800_000 })
})

test('a driver whose way broke while the command ended misses nothing', async () => {
  const { hub, clock, way, driver } = await drivenFarAway(700_000)
  way.broke = true
  driver.close()
  hub.finish()
  expect(clock.pendingTimers).toBe(0)
  expect((await readAvailable(hub.openReader(700_000, 'driver')))[0]).toMatchObject({ offset: 700_000 })
})

test('the place of a driver whose way broke is kept for a few seconds', async () => {
  const { hub, tap, clock, way, driver } = await drivenFarAway(0)
  way.broke = true
  driver.close()
  await clock.advanceAsync(DRIVER_RETURN_MS - 1)
  expect(tap.paused).toBe(true)
  await clock.advanceAsync(1)
  expect(tap.paused).toBe(false)
  expect(clock.pendingTimers).toBe(0)
  hub.append('stdout', Buffer.alloc(10 * RING_BYTES))
  expect(tap.paused).toBe(false)
})

test('a driver who leaves on purpose has no place kept', async () => {
  const { tap, clock, driver } = await drivenFarAway(0)
  driver.close()
  expect(tap.paused).toBe(false)
  expect(clock.pendingTimers).toBe(0)
})

test('a target waits for 60 s in all, also for a driver who is cut off and comes back', async () => {
  const { hub, tap, clock, way, driver } = await drivenFarAway(0)
  await clock.advanceAsync(DRIVER_STALL_MS - 2)
  way.broke = true
  driver.close()
  await clock.advanceAsync(1)
  const back = hub.openReader(0, 'driver', new Way())
  expect(tap.paused).toBe(true)
  await clock.advanceAsync(1)
  expect(tap.paused).toBe(false)
  await expect(back.next()).rejects.toMatchObject({ code: 'READER_TOO_SLOW' })
})

test('a place that is kept is given up when the channel is about to end', async () => {
  const { hub, tap, clock, way, driver } = await drivenFarAway(0)
  way.broke = true
  driver.close()
  hub.release()
  expect(tap.paused).toBe(false)
  expect(clock.pendingTimers).toBe(0)
})

test('there is one driver: who comes second watches', () => {
  const { hub, tap } = connectedHub()
  const driver = hub.openReader(0, 'driver')
  hub.openReader(0, 'driver')
  driver.close()
  new Printer(hub).print('stdout', 10 * RING_BYTES)
  expect(tap.pauses).toBe(0)
})

test('readers wait for output, and end with it', async () => {
  const { hub } = connectedHub()
  const reader = hub.openReader(0, 'watcher')
  const first = reader.next()
  hub.append('stderr', Buffer.from('hi'))
  expect(await first).toMatchObject({ type: 'output', stream: 'stderr', offset: 0 })
  const last = reader.next()
  hub.finish()
  expect(await last).toBeUndefined()
})

test('output that came before the channel was there still pauses it', () => {
  const clock = new FakeClock()
  const hub = new OutputHub(clock, new OutputBudget())
  const tap = new Tap()
  hub.openReader(0, 'driver')
  hub.append('stdout', Buffer.alloc(RING_BYTES - 10))
  hub.connect(tap)
  expect(tap.paused).toBe(true)
})

test('once it is released nobody holds the channel, and who reads too slowly is told of a gap', async () => {
  const { hub, tap, clock } = connectedHub()
  const printer = new Printer(hub)
  const driver = hub.openReader(0, 'driver')
  while (!tap.paused) printer.print('stdout', 35_000)
  hub.release()
  expect(tap.paused).toBe(false)
  expect(clock.pendingTimers).toBe(0)
  hub.openReader(0, 'driver')
  printer.print('stdout', 10 * RING_BYTES)
  expect(tap.paused).toBe(false)
  hub.finish()
  expect(printer.check(await readAvailable(driver))).toEqual({
    end: printer.streams.length,
    lost: printer.streams.length - RING_BYTES,
  })
})

test('a channel that has ended is let go, also while output is left to be read', async () => {
  const { hub, tap } = connectedHub()
  const printer = new Printer(hub)
  const driver = hub.openReader(0, 'driver')
  while (!tap.paused) printer.print('stdout', 35_000)
  hub.finish()
  expect(printer.check(await readAvailable(driver))).toEqual({ end: printer.streams.length, lost: 0 })
  driver.close()
  expect(tap.paused).toBe(true)
})
