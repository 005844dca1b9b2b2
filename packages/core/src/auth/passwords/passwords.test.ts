import { expect, test } from 'vitest'
import { type Deferred, defer } from '../../base/deferred.js'
import { isKrownError } from '../../errors/krown-error.js'
import { argon2Hasher, type PasswordHasher } from './password-hasher.js'
import { needsRehash, Passwords } from './passwords.js'

const settings = { passwordMinLength: 12 }

/** Finishes a computation only when told to. */
class HeldHasher implements PasswordHasher {
  readonly running: Deferred<boolean>[] = []
  started = 0

  async hash(): Promise<string> {
    return `hash ${await this.verify()}`
  }

  verify(): Promise<boolean> {
    this.started += 1
    const held = defer<boolean>()
    this.running.push(held)
    return held.promise
  }

  /** Lets what runs now end, and what follows it, until nothing runs. */
  async finishAll(): Promise<void> {
    await settle()
    for (let held = this.running.shift(); held; held = this.running.shift()) {
      held.resolve(true)
      await settle()
    }
  }
}

const settle = () => new Promise((resolve) => setImmediate(resolve))

const codeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'OK',
    (error: unknown) => (isKrownError(error) ? error.code : 'other'),
  )

function createHeld() {
  const hasher = new HeldHasher()
  const passwords = new Passwords({ hasher, settings })
  const verify = (clientIp: string | null) =>
    codeOf(passwords.verify({ password: 'x', hash: 'stored', clientIp }))
  return { hasher, passwords, verify }
}

test('A24: two hash at once, fifty wait, and the next is told to come back', async () => {
  const { hasher, verify } = createHeld()
  const admitted = Array.from({ length: 52 }, (_, i) => verify(`192.0.2.${i}`))
  await settle()
  expect(hasher.started).toBe(2)
  // Nothing has ended yet: the answer does not wait for anything.
  expect(await verify('198.51.100.1')).toBe('UNAVAILABLE')
  await hasher.finishAll()
  expect(await Promise.all(admitted)).toEqual(Array(52).fill('OK'))
  expect(hasher.started).toBe(52)
})

test('A24: one address takes ten places, and an IPv6 subscriber is one address', async () => {
  const { hasher, verify } = createHeld()
  const admitted = Array.from({ length: 10 }, (_, i) => verify(`2001:db8:1:2::${i + 1}`))
  expect(await verify('2001:db8:1:2:ffff::1')).toBe('RATE_LIMITED')
  const others = [verify('2001:db8:1:3::1'), verify('192.0.2.1'), verify(null)]
  await hasher.finishAll()
  expect(await Promise.all([...admitted, ...others])).toEqual(Array(13).fill('OK'))
  const later = verify('2001:db8:1:2::1')
  await hasher.finishAll()
  expect(await later).toBe('OK')
})

test('A24: an IPv4 address in IPv6 form is the same address', async () => {
  const { hasher, verify } = createHeld()
  const admitted = Array.from({ length: 10 }, (_, i) => verify(i % 2 ? '192.0.2.1' : '::ffff:192.0.2.1'))
  expect(await verify('192.0.2.1')).toBe('RATE_LIMITED')
  await hasher.finishAll()
  await Promise.all(admitted)
})

test('a refusal says when to come back', async () => {
  const { hasher, passwords } = createHeld()
  const waiting = Array.from({ length: 10 }, () => passwords.rehash('x', '192.0.2.1'))
  await expect(passwords.rehash('x', '192.0.2.1')).rejects.toMatchObject({ retryAfterMs: 1_000 })
  await hasher.finishAll()
  await Promise.all(waiting)
})

test('what is thrown when the turn comes ends the attempt and frees its place', async () => {
  const { hasher, passwords } = createHeld()
  for (let i = 0; i < 20; i += 1) {
    const attempt = passwords.verify({
      password: 'x',
      hash: 'stored',
      clientIp: '192.0.2.1',
      onTurn: () => {
        throw new Error('not now')
      },
    })
    await expect(attempt).rejects.toThrow('not now')
  }
  expect(hasher.started).toBe(0)
})

test('a bad new password is refused before anything is computed', async () => {
  const { hasher, passwords } = createHeld()
  const hashing = passwords.hashNew({ username: 'ada', password: 'short', field: 'newPassword' }, null)
  await expect(hashing).rejects.toMatchObject({
    code: 'VALIDATION_FAILED',
    details: { fields: [{ path: 'newPassword', message: 'must have at least 12 characters' }] },
  })
  expect(hasher.started).toBe(0)
})

test('Argon2id with the parameters of the policy, and exact bytes', async () => {
  const passwords = new Passwords({ hasher: argon2Hasher, settings })
  const password = ' fine pässword, é '
  const hash = await passwords.hashNew({ username: 'ada', password }, null)
  expect(hash).toMatch(/^\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/)
  const matches = (tried: string, against: string | null = hash) =>
    passwords.verify({ password: tried, hash: against, clientIp: null })
  expect(await matches(password)).toBe(true)
  expect(await matches(password.trim())).toBe(false)
  expect(await matches(password.normalize('NFD'))).toBe(false)
  expect(await matches(password, null)).toBe(false)
})

test('A18: there being no hash is computed with the same parameters', async () => {
  const against: string[] = []
  const hasher: PasswordHasher = {
    hash: argon2Hasher.hash,
    verify: (hash, password) => {
      against.push(hash)
      return argon2Hasher.verify(hash, password)
    },
  }
  const passwords = new Passwords({ hasher, settings })
  const real = await argon2Hasher.hash('something')
  await passwords.verify({ password: 'x', hash: null, clientIp: null })
  await passwords.verify({ password: 'x', hash: real, clientIp: null })
  const form = (hash = '') => hash.split('$').map((part, i) => (i < 4 ? part : part.length))
  expect(against).toHaveLength(2)
  expect(form(against[0])).toEqual(form(against[1]))
})

test('only lower parameters or another algorithm call for a new hash', () => {
  const hash = (parameters: string, algorithm = 'argon2id') =>
    `$${algorithm}$v=19$${parameters}$c2FsdA$aGFzaA`
  expect(needsRehash(hash('m=19456,t=2,p=1'))).toBe(false)
  expect(needsRehash(hash('m=65536,t=3,p=1'))).toBe(false)
  expect(needsRehash(hash('m=4096,t=2,p=1'))).toBe(true)
  expect(needsRehash(hash('m=19456,t=1,p=1'))).toBe(true)
  expect(needsRehash(hash('m=19456,t=2,p=1', 'argon2i'))).toBe(true)
})
