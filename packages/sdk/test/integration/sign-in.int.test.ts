import { inspect } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { memoryTokenStore, type StoredLogin, type TokenStore } from '../../src/index.js'
import { countingFetch } from '../support/counting-fetch.js'
import { holdingFetch } from '../support/holding-fetch.js'
import { refusalOf } from '../support/refusal.js'
import { type SdkGateway, startSdkGateway } from '../support/sdk-gateway.js'

let gateway: SdkGateway
beforeAll(async () => {
  gateway = await startSdkGateway()
})
afterAll(() => gateway[Symbol.asyncDispose]())

/** A store that holds a new login, changed. */
async function storeWith(changes: Partial<StoredLogin>): Promise<TokenStore> {
  const tokenStore = memoryTokenStore()
  const credentials = await gateway.newUser({ role: 'operator' })
  await gateway.connect({ tokenStore }).auth.login(credentials)
  const login = (await tokenStore.load()) as StoredLogin
  await tokenStore.save({ ...login, ...changes })
  return tokenStore
}

const inAnHour = () => new Date(Date.now() + 3_600_000).toISOString()
const EXPIRED = new Date(0).toISOString()

describe('credentials', () => {
  test('are used when they are first needed, once for all calls', async () => {
    const { fetch, count } = countingFetch()
    const credentials = await gateway.newUser({ role: 'operator' })
    const client = gateway.connect({ credentials, fetch })
    await client.system.info()
    expect(count('auth.login')).toBe(0)
    const users = await Promise.all(Array.from({ length: 20 }, () => client.auth.me()))
    expect(new Set(users.map(({ username }) => username))).toEqual(new Set([credentials.username]))
    expect(count('auth.login')).toBe(1)
  })

  test('that are refused are not tried again: that would lock the account', async () => {
    const { fetch, count } = countingFetch()
    const { username } = await gateway.newUser({ role: 'operator' })
    const client = gateway.connect({ credentials: { username, password: 'not this one' }, fetch })
    for (const _ of [1, 2, 3]) {
      expect(await refusalOf(client.auth.me())).toMatchObject({ code: 'UNAUTHENTICATED' })
    }
    expect(count('auth.login')).toBe(1)
  })

  test('sign in again when the login ended', async () => {
    const credentials = await gateway.newUser({ role: 'operator' })
    const client = gateway.connect({ credentials })
    const changed = 'another long passphrase'
    await client.auth.me()
    const other = gateway.connect({ credentials })
    await other.auth.changePassword({ currentPassword: credentials.password, newPassword: changed })
    await other.auth.changePassword({ currentPassword: changed, newPassword: credentials.password })
    expect(await client.auth.me()).toMatchObject({ username: credentials.username })
  })
})

describe('a login', () => {
  test('goes on when the access token was refused, refreshed once for 50 calls at once', async () => {
    const { fetch, count } = countingFetch()
    const tokenStore = await storeWith({ accessToken: 'spoilt', accessTokenExpiresAt: inAnHour() })
    const client = gateway.connect({ tokenStore, fetch })
    const users = await Promise.all(Array.from({ length: 50 }, () => client.auth.me()))
    expect(new Set(users.map(({ id }) => id)).size).toBe(1)
    expect(count('auth.refresh')).toBe(1)
  })

  test('is refreshed before its access token ends, without a refused call', async () => {
    const { fetch, count } = countingFetch()
    const tokenStore = await storeWith({ accessTokenExpiresAt: EXPIRED })
    const client = gateway.connect({ tokenStore, fetch })
    await Promise.all(Array.from({ length: 50 }, () => client.auth.me()))
    expect([count('auth.refresh'), count('auth.me')]).toEqual([1, 50])
  })

  test('is shared by the clients of one store: who comes later uses what is there', async () => {
    const { fetch, count } = countingFetch()
    const tokenStore = await storeWith({ accessToken: 'spoilt', accessTokenExpiresAt: inAnHour() })
    const [first, second] = [gateway.connect({ tokenStore, fetch }), gateway.connect({ tokenStore, fetch })]
    await second.auth.me().then(() => first.auth.me())
    expect(count('auth.refresh')).toBe(1)
  })

  test('survives a lost answer to its refresh', async () => {
    const tokenStore = await storeWith({ accessTokenExpiresAt: EXPIRED })
    const client = gateway.connect({ tokenStore })
    const cut = gateway.proxy.cutWhenClientSends('auth.refresh', { delivered: true })
    expect(await client.auth.me()).toMatchObject({ role: 'operator' })
    await cut
  })

  test('that has ended is forgotten, and says so', async () => {
    const tokenStore = await storeWith({ accessToken: 'spoilt', refreshToken: 'spoilt' })
    const client = gateway.connect({ tokenStore })
    expect(await refusalOf(client.auth.me())).toMatchObject({ code: 'UNAUTHENTICATED' })
    expect(await tokenStore.load()).toBeUndefined()
  })

  test('is kept when the server cannot be asked', async () => {
    const tokenStore = await storeWith({ accessTokenExpiresAt: EXPIRED })
    const client = gateway.connect({ tokenStore })
    await gateway.proxy.down()
    expect(await refusalOf(client.auth.me())).toMatchObject({ code: 'CONNECTION_LOST', retryable: true })
    await gateway.proxy.pass()
    expect(await client.auth.me()).toMatchObject({ role: 'operator' })
  })

  test('of somebody else replaces the one before; logging out forgets it and ends its tokens', async () => {
    const tokenStore = memoryTokenStore()
    const client = gateway.connect({ tokenStore })
    const [ada, bob] = [
      await gateway.newUser({ role: 'operator' }),
      await gateway.newUser({ role: 'readonly' }),
    ]
    await client.auth.login(ada)
    expect(await client.auth.login(bob)).toMatchObject({ username: bob.username })
    expect(await client.auth.me()).toMatchObject({ username: bob.username })
    const login = await tokenStore.load()
    await client.auth.logout()
    expect(await tokenStore.load()).toBeUndefined()
    expect(await refusalOf(client.auth.me())).toMatchObject({ code: 'UNAUTHENTICATED' })
    await client.auth.logout()
    const stolen = gateway.connect({ token: login?.accessToken })
    expect(await refusalOf(stolen.auth.me())).toMatchObject({ code: 'UNAUTHENTICATED' })
  })
})

describe('signing in as somebody else', () => {
  test('ends the use of the credentials that the client was made with', async () => {
    const ada = await gateway.newUser({ role: 'operator' })
    const bob = await gateway.newUser({ role: 'readonly' })
    const client = gateway.connect({ credentials: ada })
    await client.auth.login(bob)
    const passwords = { currentPassword: bob.password, newPassword: 'another long passphrase' }
    await gateway.connect({ credentials: bob }).auth.changePassword(passwords)
    expect(await refusalOf(client.auth.me())).toMatchObject({ code: 'UNAUTHENTICATED' })
  })

  test('waits for a refresh under way, whose answer would take its place', async () => {
    const { fetch, held, release } = holdingFetch('auth.refresh')
    const tokenStore = await storeWith({ accessTokenExpiresAt: EXPIRED })
    const client = gateway.connect({ tokenStore, fetch })
    const before = client.auth.me()
    await held
    const bob = await gateway.newUser({ role: 'readonly' })
    const login = client.auth.login(bob)
    // As long as it would take, did it not wait.
    for (const _ of [1, 2]) await gateway.connect().auth.login(bob)
    release()
    await Promise.allSettled([before, login])
    expect(await client.auth.me()).toMatchObject({ username: bob.username })
  })
})

describe('a token', () => {
  test('of a program is sent as it is', async () => {
    const owner = await gateway.as({ role: 'operator' })
    const { token } = await owner.tokens.create({ name: 'ci' })
    const client = gateway.connect({ token })
    expect(await client.auth.me()).toMatchObject({ role: 'operator' })
    const wrong = { username: 'x', password: 'y' }
    expect(await refusalOf(client.auth.login(wrong))).toMatchObject({ code: 'VALIDATION_FAILED' })
  })

  test('given by a function is asked for again when it was refused', async () => {
    const owner = await gateway.as({ role: 'operator' })
    const { token } = await owner.tokens.create({ name: 'ci' })
    const given = ['spoilt', token]
    const client = gateway.connect({ token: () => given.shift() ?? token })
    expect(await client.auth.me()).toMatchObject({ role: 'operator' })
  })

  test('whose function fails: that error comes out as it is', async () => {
    const failure = new Error('the vault is sealed')
    const client = gateway.connect({ token: () => Promise.reject(failure) })
    await expect(client.auth.me()).rejects.toBe(failure)
  })

  test('that no header can hold is refused here, and told to nobody', async () => {
    const error = await refusalOf(gateway.connect({ token: 'krn_pat_\nsecret\u20ac' }).auth.me())
    expect(error).toMatchObject({ code: 'VALIDATION_FAILED', details: { fields: [{ path: 'token' }] } })
    expect(inspect(error)).not.toContain('secret')
  })

  test('is not given together with another way to sign in', () => {
    const credentials = { username: 'ada', password: 'hunter2-hunter2' }
    const make = () => gateway.connect({ token: 'secret-token', credentials })
    expect(make).toThrow(expect.objectContaining({ code: 'VALIDATION_FAILED' }))
  })
})

test('nobody is signed in without anything: what is open to all still answers', async () => {
  const client = gateway.connect()
  expect(await client.system.info()).toMatchObject({ registration: 'open' })
  expect(await refusalOf(client.auth.me())).toMatchObject({ code: 'UNAUTHENTICATED' })
})
