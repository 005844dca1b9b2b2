import { FakeClock } from '@krown/testkit'
import { expect, test } from 'vitest'
import { OutputBudget } from './output-budget.js'
import type { OutputCarrier } from './output-carrier.js'
import { DRIVER_STALL_MS, OutputHub } from './output-hub.js'
import { RING_BYTES } from './output-ring.js'

/** A way on which at most `window` bytes are at once. */
class Window implements OutputCarrier {
  readonly broke = false
  taken = 0
  #arrived = 0
  #listener: (offset: number) => void = () => {}
  readonly #window: number

  constructor(window: number) {
    this.#window = window
  }

  onArrived(listener: (offset: number) => void): void {
    this.#listener = listener
  }

  room(): number {
    return this.#window - (this.taken - this.#arrived)
  }

  arrive(offset: number): void {
    this.#arrived = offset
    this.#listener(offset)
  }
}

function open({ window, drives = true }: { window: number; drives?: boolean }) {
  const clock = new FakeClock()
  const hub = new OutputHub(clock, new OutputBudget())
  let paused = false
  hub.connect({
    pause: () => {
      paused = true
    },
    resume: () => {
      paused = false
    },
  })
  const way = new Window(window)
  const reader = hub.openReader(0, 'watcher')
  reader.travelBy(way)
  if (drives) hub.promote(reader)
  const take = async () => {
    const event = await reader.next()
    if (event?.type === 'output') way.taken = event.offset + event.data.length
    return event
  }
  return { clock, hub, reader, way, take, isPaused: () => paused }
}

test('no more is handed out than there is room for, and going on waits for room', async () => {
  const { hub, way, take } = open({ window: 5_000 })
  hub.append('stdout', Buffer.alloc(8_000))
  expect(await take()).toMatchObject({ type: 'output', offset: 0, data: { length: 5_000 } })
  let more = false
  const next = take().then((event) => {
    more = true
    return event
  })
  await Promise.resolve()
  expect(more).toBe(false)
  way.arrive(1_000)
  expect(await next).toMatchObject({ offset: 5_000, data: { length: 1_000 } })
})

test('D10: a driver without room holds the target, and is told after 60 s that it was too slow', async () => {
  const { clock, hub, take, isPaused } = open({ window: 4_096 })
  for (let printed = 0; !isPaused(); printed += 1_000) {
    expect(printed).toBeLessThan(2 * 1024 * 1024)
    hub.append('stdout', Buffer.alloc(1_000))
  }
  await take()
  const next = take()
  clock.advance(DRIVER_STALL_MS)
  await expect(next).rejects.toMatchObject({ code: 'READER_TOO_SLOW', details: { offset: 4_096 } })
  expect(isPaused()).toBe(false)
})

test('D11: a watcher without room holds nothing, and is told of the gap when it has room again', async () => {
  const { hub, way, take, isPaused } = open({ window: 1_000, drives: false })
  hub.append('stdout', Buffer.alloc(2_000))
  await take()
  const next = take()
  hub.append('stdout', Buffer.alloc(2 * RING_BYTES))
  expect(isPaused()).toBe(false)
  way.arrive(1_000)
  expect(await next).toEqual({ type: 'gap', fromOffset: 1_000, toOffset: hub.start })
  expect(await take()).toMatchObject({ type: 'output', offset: hub.start })
})

test('what is left when the channel ended waits for room as well', async () => {
  const { hub, way, take } = open({ window: 1_000 })
  hub.append('stdout', Buffer.alloc(1_500))
  await take()
  hub.finish()
  const rest = take()
  way.arrive(1_000)
  expect(await rest).toMatchObject({ offset: 1_000, data: { length: 500 } })
  expect(await take()).toBeUndefined()
})

test('what arrives at the moment when the target may go on counts for who drives now', async () => {
  const hub = new OutputHub(new FakeClock(), new OutputBudget())
  let paused = false
  const waiting = [Buffer.alloc(48 * 1024), Buffer.alloc(48 * 1024)]
  const flow = () => {
    for (let chunk = waiting.shift(); chunk && !paused; chunk = waiting.shift()) hub.append('stdout', chunk)
  }
  hub.connect({
    pause: () => {
      paused = true
    },
    resume: () => {
      paused = false
      flow()
    },
  })
  hub.reserveDriver()
  hub.append('stdout', Buffer.alloc(70 * 1024))
  expect(paused).toBe(true)
  const reader = hub.openReader(0, 'watcher')
  reader.travelBy(new Window(4_096))
  hub.promote(reader)
  expect([paused, hub.end]).toEqual([false, 166 * 1024])
})
