import { connectionLost, KrownClientError } from '../errors/errors.js'
import { notKrown } from '../errors/problem.js'

/** The server does not want this socket back; undefined when connecting again may help. */
export function finalCloseError({
  code,
  reason,
}: {
  code: number
  reason: string
}): KrownClientError | undefined {
  if (code === 4403)
    return new KrownClientError('FORBIDDEN', 'the server closed the connection: not allowed', {
      kind: 'forbidden',
    })
  if (code === 4429) return tooMany(`the server closed the connection: ${reason || 'too many messages'}`)
  if (code === 4400 || code === 1009) {
    return new KrownClientError('UNKNOWN', `the server closed the connection with code ${code}`, {
      kind: 'internal',
      rawCode: `CLOSE_${code}`,
    })
  }
  return undefined
}

/** An upgrade that was answered with an HTTP status; undefined when connecting again may help. */
export function refusedUpgradeError(message: unknown): KrownClientError | undefined {
  // The words of the `ws` package; browsers do not tell.
  const [, digits] = /^Unexpected server response: (\d{3})$/.exec(String(message)) ?? []
  if (digits === undefined || digits.startsWith('5')) return undefined
  if (digits === '429') return tooMany('the server refused the connection: too many of them')
  if (digits === '403')
    return new KrownClientError('FORBIDDEN', 'the server refused the connection', { kind: 'forbidden' })
  return notKrown(Number(digits))
}

export function closedByCaller(): KrownClientError {
  return connectionLost('the client was closed')
}

export function noWebSocket(): KrownClientError {
  return new KrownClientError('UNKNOWN', 'streams need a WebSocket, and there is none here', {
    kind: 'internal',
  })
}

function tooMany(message: string): KrownClientError {
  return new KrownClientError('RATE_LIMITED', message, { kind: 'limit_exceeded', retryable: true })
}
