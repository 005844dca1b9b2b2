import type { LiveSocket } from './socket-platform.js'

const ASK_EVERY_MS = 15_000

/**
 * Ends a socket whose peer is gone without a word: asks every 15 s and waits as long for any sign of life. While
 * reading is held back no answer can be seen; asking then tells the server that this side is there.
 */
export function watchLiveness(
  socket: LiveSocket,
  { isHeld, ask }: { isHeld: () => boolean; ask: string },
): void {
  let heard = true
  socket.addEventListener('message', () => {
    heard = true
  })
  socket.addEventListener('open', () => {
    const timer = setInterval(() => {
      if (!heard && !isHeld()) return endNow(socket)
      heard = isHeld()
      if (socket.readyState === socket.OPEN) socket.send(ask)
    }, ASK_EVERY_MS)
    unref(timer)
    socket.addEventListener('close', () => clearInterval(timer))
  })
}

/** Without waiting for its peer, where that is possible. */
export function endNow(socket: LiveSocket): void {
  if (socket.terminate) socket.terminate()
  else socket.close()
}

/** In Node: this timer alone keeps no process alive. */
export function unref(timer: unknown): void {
  if (typeof timer === 'object') (timer as { unref?: () => void } | null)?.unref?.()
}
