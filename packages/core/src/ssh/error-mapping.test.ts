import { describe, expect, test } from 'vitest'
import { KrownError } from '../errors/krown-error.js'
import { mapClosed, mapLibraryError, type SshPhase, sessionLost, targetTimeout } from './error-mapping.js'

interface Row {
  phase: SshPhase
  error: { message?: string; level?: string; code?: string | number }
  code: string
  reason?: string
}

const ROWS: Row[] = [
  { phase: 'resolve', error: { code: 'ENOTFOUND' }, code: 'TARGET_UNREACHABLE' },
  { phase: 'resolve', error: { code: 'ETIMEOUT' }, code: 'TARGET_TIMEOUT' },
  { phase: 'resolve', error: { code: 'EAI_AGAIN' }, code: 'TARGET_TIMEOUT' },
  { phase: 'connect', error: { code: 'ECONNREFUSED' }, code: 'TARGET_UNREACHABLE' },
  { phase: 'connect', error: { code: 'EHOSTUNREACH' }, code: 'TARGET_UNREACHABLE' },
  { phase: 'connect', error: { code: 'ETIMEDOUT' }, code: 'TARGET_TIMEOUT' },
  {
    phase: 'handshake',
    error: { level: 'client-socket', code: 'ECONNRESET' },
    code: 'TARGET_UNREACHABLE',
    reason: 'disconnected',
  },
  {
    phase: 'handshake',
    error: { level: 'protocol', message: 'Connection lost before handshake' },
    code: 'TARGET_UNREACHABLE',
    reason: 'disconnected',
  },
  {
    phase: 'handshake',
    error: { level: 'handshake', message: 'Handshake failed: no matching key exchange algorithm' },
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'no_common_algorithm',
  },
  {
    phase: 'handshake',
    error: { message: 'Invalid identification string' },
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'not_ssh',
  },
  {
    phase: 'handshake',
    error: { level: 'handshake', message: 'Handshake failed: signature verification failed' },
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'host_key_not_proved',
  },
  {
    phase: 'handshake',
    error: { message: 'Bad packet length' },
    code: 'TARGET_PROTOCOL_ERROR',
    reason: 'malformed',
  },
  // TOO_MANY_CONNECTIONS and PROTOCOL_VERSION_NOT_SUPPORTED.
  { phase: 'handshake', error: { code: 12 }, code: 'TARGET_UNREACHABLE', reason: 'disconnected' },
  { phase: 'handshake', error: { code: 8 }, code: 'TARGET_PROTOCOL_ERROR', reason: 'disconnected' },
  {
    phase: 'auth',
    error: { level: 'client-authentication' },
    code: 'TARGET_AUTH_FAILED',
    reason: 'rejected',
  },
  { phase: 'auth', error: { code: 2 }, code: 'TARGET_AUTH_FAILED', reason: 'disconnected' },
  {
    phase: 'auth',
    error: { level: 'client-socket', code: 'ECONNRESET' },
    code: 'TARGET_AUTH_FAILED',
    reason: 'disconnected',
  },
  { phase: 'auth', error: { message: 'Invalid MAC' }, code: 'TARGET_PROTOCOL_ERROR', reason: 'malformed' },
  { phase: 'session', error: { level: 'client-socket' }, code: 'SESSION_LOST', reason: 'connection_lost' },
  { phase: 'session', error: { code: 11 }, code: 'SESSION_LOST', reason: 'disconnected' },
  { phase: 'session', error: { message: 'Invalid MAC' }, code: 'TARGET_PROTOCOL_ERROR', reason: 'malformed' },
  {
    phase: 'session',
    error: { level: 'handshake', message: 'Host denied (verification failed)' },
    code: 'HOST_KEY_MISMATCH',
  },
]

describe('mapLibraryError', () => {
  test.each(ROWS)('$phase, $error: $code', ({ phase, error, code, reason }) => {
    const cause = Object.assign(new Error(error.message ?? 'whatever'), error)
    const mapped = mapLibraryError(phase, cause)
    expect(mapped).toMatchObject({ code, cause })
    expect(mapped.details?.reason).toBe(reason)
    if (phase !== 'session') expect(mapped.details?.phase).toBe(phase)
  })

  test.each<SshPhase>(['resolve', 'connect', 'handshake', 'auth', 'session'])(
    'E14: nothing that the target or a resolver said in phase %s is repeated',
    (phase) => {
      const said = '10.1.2.3 says: welcome to db-internal'
      const texts = [undefined, 'client-socket', 'handshake', 'client-authentication'].flatMap((level) =>
        [undefined, 2, 12, 'ECONNREFUSED'].map((code) => {
          const { message, details } = mapLibraryError(phase, Object.assign(new Error(said), { level, code }))
          return JSON.stringify({ message, details })
        }),
      )
      expect(texts.join()).not.toMatch(/10\.1\.2\.3|db-internal/)
    },
  )

  test('the number of a disconnect message is kept', () => {
    const { details } = mapLibraryError('session', Object.assign(new Error('bye'), { code: 10 }))
    expect(details).toEqual({ reason: 'disconnected', disconnectReason: 10 })
  })

  test('what was thrown may be anything', () => {
    expect(mapLibraryError('handshake', 'a string')).toMatchObject({ code: 'TARGET_PROTOCOL_ERROR' })
  })
})

test('a connection that ended without a word is a lost one, or an answer to a credential', () => {
  expect(mapClosed('handshake')).toMatchObject({ code: 'TARGET_UNREACHABLE', retryable: true })
  expect(mapClosed('auth')).toMatchObject({ code: 'TARGET_AUTH_FAILED', retryable: false })
  expect(mapClosed('session')).toMatchObject({ code: 'SESSION_LOST' })
})

test('a timeout says where', () => {
  expect(targetTimeout('auth')).toMatchObject({ code: 'TARGET_TIMEOUT', details: { phase: 'auth' } })
})

test('a call that came too late gets SESSION_LOST, whatever ended the connection', () => {
  const lost = new KrownError('SESSION_LOST', 'gone')
  const violation = new KrownError('TARGET_PROTOCOL_ERROR', 'broken')
  expect(sessionLost(lost)).toBe(lost)
  expect(sessionLost(violation)).toMatchObject({ code: 'SESSION_LOST', cause: violation })
  expect(sessionLost(null)).toMatchObject({ code: 'SESSION_LOST' })
})
