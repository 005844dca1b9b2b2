import { describe, expect, test } from 'vitest'
import type { CastEvent } from './cast.js'
import { Player, type PlayerOptions, type PlayerRequest } from './player.js'

const OUTPUT: readonly CastEvent[] = [0, 1000, 2000, 60_000, 61_000].map((atMs) => ({
  atMs,
  code: 'o',
  data: `[${atMs}]`,
}))

/** Plays without any time going by; each wait is noted, and may be what somebody presses a key at. */
async function play(
  options: Partial<PlayerOptions> = {},
  pressed: Readonly<Record<number, PlayerRequest>> = {},
) {
  const log: string[] = []
  const requests: PlayerRequest[] = []
  let waits = 0
  const player = new Player(
    {
      async *open(fromMs) {
        log.push(`open ${fromMs}`)
        yield { header: { columns: 80, rows: 24 } }
        for (const event of OUTPUT) if (event.atMs >= fromMs) yield { ...event, atMs: event.atMs - fromMs }
      },
      clear: async () => void log.push('clear'),
      resized: async () => {},
      show: async (text) => void log.push(text),
      wait: async (ms) => {
        const request = pressed[waits++]
        log.push(`wait ${ms}`)
        if (request) requests.push(request)
        return request ? 0 : (ms ?? 0)
      },
      next: () => requests.shift(),
    },
    { fromMs: 0, speed: 1, idleLimitMs: 5000, ...options },
  )
  const ending = await player.play()
  return { ending, log: log.join(' ') }
}

test('waits as long as it took, and no longer than the idle limit', async () => {
  const { ending, log } = await play()
  expect(ending).toBe('ended')
  expect(log).toBe('clear open 0 [0] wait 1000 [1000] wait 1000 [2000] wait 5000 [60000] wait 1000 [61000]')
})

test('twice as fast waits half as long', async () => {
  const { log } = await play({ speed: 2 })
  expect(log).toContain('[0] wait 500 [1000] wait 500 [2000] wait 2500 [60000]')
})

test('begins where it is asked to', async () => {
  const { log } = await play({ fromMs: 60_000 })
  expect(log).toBe('clear open 60000 [60000] wait 1000 [61000]')
})

describe('keys', () => {
  test('a pause waits for the next key, and then for the rest', async () => {
    const { log } = await play({}, { 0: { kind: 'pause' }, 1: { kind: 'pause' } })
    expect(log).toContain('[0] wait 1000 wait undefined wait 1000 [1000]')
  })

  test('forward shows at once what lies between', async () => {
    const { log } = await play({}, { 0: { kind: 'move', byMs: 60_000 } })
    expect(log).toBe('clear open 0 [0] wait 1000 [1000] [2000] [60000] wait 1000 [61000]')
  })

  test('back begins anew, with an empty screen', async () => {
    const { log } = await play({}, { 1: { kind: 'move', byMs: -500 } })
    expect(log).toContain('[1000] wait 1000 clear open 500 wait 500 [1000] wait 1000 [2000]')
  })

  test('a jump goes to its place', async () => {
    const { log } = await play({}, { 3: { kind: 'jump', toMs: 0 } })
    expect(log).toContain('[60000] wait 1000 clear open 0 [0]')
  })

  test.each(['quit', 'interrupt'] as const)('%s ends it', async (kind) => {
    const { ending, log } = await play({}, { 0: { kind } })
    expect(ending).toBe(kind)
    expect(log).toBe('clear open 0 [0] wait 1000')
  })
})
