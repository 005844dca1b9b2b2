import type { ServerChannel, Session } from 'ssh2'

/**
 * ssh2's server refuses every later request on a session channel once the client has sent EOF, signals included.
 * OpenSSH does not, so this puts it right.
 */
export function keepRequestsAfterEof(session: Session): void {
  const state = session as Session & { _ending: boolean }
  session.on('eof', () => {
    state._ending = false
  })
}

type Write = (data: Buffer, encoding: BufferEncoding, done: () => void) => void

/** What ssh2's channel keeps of a write for which the flow window has no room, for each output. */
interface ChannelInternals {
  _chunk: Buffer | undefined
  _chunkcb: (() => void) | undefined
  _chunkErr: Buffer | undefined
  _chunkcbErr: (() => void) | undefined
  _waitWindow: boolean
  _write: Write
  stderr: { _write: Write }
  outgoing: { window: number }
}

/**
 * ssh2's server never forgets what it kept, and wakes standard output only: once both outputs have filled the flow
 * window, it sends old data again or waits for ever.
 */
export function mendBackPressure(channel: ServerChannel): void {
  const state = channel as unknown as ChannelInternals
  const write = state._write.bind(state)
  const writeError = state.stderr._write.bind(state.stderr)
  state._write = (data, encoding, done) => {
    state._chunk = undefined
    state._chunkcb = undefined
    write(data, encoding, done)
    if (!state._chunk) wakeStandardError(state)
  }
  state.stderr._write = (data, encoding, done) => {
    state._chunkErr = undefined
    state._chunkcbErr = undefined
    writeError(data, encoding, done)
  }
}

function wakeStandardError(state: ChannelInternals): void {
  const { _chunkErr: chunk, _chunkcbErr: done } = state
  if (!chunk || !done) return
  if (state.outgoing.window > 0) state.stderr._write(chunk, 'utf8', done)
  else state._waitWindow = true
}
