import { expect, test } from 'vitest'
import type { ClientSettings } from '../options.js'
import { nodePlatform } from './node-socket.js'
import { Sockets } from './sockets.js'

/** As many as the server takes in one array, which is what a socket that comes back asks with. */
const MAX_BATCH = 10

function socketsFor({ canHold }: { canHold: boolean }): Sockets {
  const settings = { baseUrl: 'http://127.0.0.1:1' } as ClientSettings
  const access = { current: async () => undefined, renew: async () => undefined, staleInMs: () => undefined }
  return new Sockets({ settings, access, platform: { ...nodePlatform, canHold } })
}

function readersOf(make: Sockets['shared'], count: number): number[] {
  const sockets = Array.from({ length: count }, () => {
    const socket = make()
    socket.attach({ fail: () => {} })
    return socket
  })
  return [...new Set(sockets)].map(({ readers }) => readers)
}

test('no socket has more readers than can ask at once', () => {
  const sockets = socketsFor({ canHold: true })
  expect(Math.max(...readersOf(() => sockets.shared(), 60))).toBeLessThan(MAX_BATCH)
  expect(Math.max(...readersOf(() => sockets.forOutput(), 120))).toBeLessThan(MAX_BATCH)
})

test('the first eight outputs have a socket each, so that none holds another', () => {
  const sockets = socketsFor({ canHold: true })
  expect(readersOf(() => sockets.forOutput(), 8)).toEqual(Array.from({ length: 8 }, () => 1))
  const inBrowser = socketsFor({ canHold: false })
  expect(readersOf(() => inBrowser.forOutput(), 8)).toEqual([8])
})
