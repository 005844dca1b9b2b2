import { generateKey } from '@krown/testkit'
import { utils } from 'ssh2'
import { expect, test, vi } from 'vitest'
import { Authenticator, type Credential } from './authenticator.js'

function authenticatorWith(credential: Credential, trusted = true) {
  const onRefused = vi.fn()
  const authenticator = new Authenticator({ username: 'ann', credential, mayBegin: () => trusted, onRefused })
  return { authenticator, onRefused }
}

test('a password is wiped once it was used, although ssh2 keeps what it was given', () => {
  const { authenticator } = authenticatorWith({ method: 'password', password: 'secret' })
  const attempt = authenticator.next(null, null) as { password: unknown }
  expect(String(attempt.password)).toBe('secret')

  authenticator.forget()

  expect(String(attempt.password)).toBe('\0'.repeat(6))
})

test('a private key is out of reach once it was used', () => {
  const key = utils.parseKey(generateKey().privateKey)
  if (key instanceof Error) throw key
  const { authenticator } = authenticatorWith({ method: 'key', key })
  const attempt = authenticator.next(null, null) as { key: Partial<typeof key> }
  expect(attempt.key.getPrivatePEM?.()).toContain('PRIVATE KEY')

  authenticator.forget()

  expect(attempt.key.getPrivatePEM).toBeUndefined()
})

test('nothing is tried before the host key was accepted, nor after it was forgotten', () => {
  const early = authenticatorWith({ method: 'password', password: 'secret' }, false)
  expect(early.authenticator.next(null, null)).toBe(false)
  expect(early.onRefused).toHaveBeenCalledOnce()

  const late = authenticatorWith({ method: 'password', password: 'secret' })
  late.authenticator.forget()
  expect(late.authenticator.next(['password'], false)).toBe(false)
})

test('of the methods that a target names, only those that exist are told', () => {
  const { authenticator, onRefused } = authenticatorWith({ method: 'password', password: 'secret' })
  authenticator.next(null, null)
  authenticator.next(['publickey', '<script>', 'password'], false)
  expect(onRefused.mock.calls[0]?.[0].details.methods).toEqual(['publickey', 'password'])
})
