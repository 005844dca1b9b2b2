import type { LoginResult } from '@krown/core/model'
import { KrownClientError } from '../errors/errors.js'
import { CallerError } from '../errors/to-client-error.js'
import type { Credentials } from '../options.js'
import { type Access, staleAt } from './access.js'
import { exclusively } from './exclusively.js'
import type { StoredLogin, TokenStore } from './token-store.js'

/** The two questions that need no token. */
export interface SignInCalls {
  login(credentials: Credentials): Promise<LoginResult>
  refresh(refreshToken: string): Promise<LoginResult>
}

export interface SignInOptions {
  readonly calls: SignInCalls
  readonly store: TokenStore
  readonly credentials: Credentials | undefined
  /** The browser has the refresh token, if there is one. */
  readonly byCookie: boolean
  /** The same for all clients that share the store. */
  readonly lockName: string
}

/** A login with its tokens: kept fresh, refreshed once however many calls wait for it. */
export class SignIn implements Access {
  readonly #calls: SignInCalls
  readonly #store: TokenStore
  readonly #lockName: string
  readonly #byCookie: boolean
  #cookieRefused = false
  #credentials: Credentials | undefined
  #login: StoredLogin | undefined
  #staleAt = 0
  #loaded: Promise<void> | undefined
  #renewing: Promise<string | undefined> | undefined
  // Settles when nothing changes the login any more.
  #last: Promise<unknown> = Promise.resolve()
  // Trying a refused password again would only bring the account nearer to being locked.
  #refusal: KrownClientError | undefined

  constructor({ calls, store, credentials, byCookie, lockName }: SignInOptions) {
    this.#calls = calls
    this.#store = store
    this.#credentials = credentials
    this.#lockName = lockName
    this.#byCookie = byCookie
  }

  async current(): Promise<string | undefined> {
    this.#loaded ??= this.#loadStored()
    await this.#loaded
    const login = this.#login
    if (login && Date.now() < this.#staleAt) return login.accessToken
    try {
      return await this.#renewOnce(login?.accessToken)
    } catch (error) {
      // Not being able to ask for a new one does not spoil the one that still is good.
      if (login && !isUnauthenticated(error) && Date.now() < Date.parse(login.accessTokenExpiresAt)) {
        return login.accessToken
      }
      throw error
    }
  }

  async renew(refused: string): Promise<string | undefined> {
    const held = this.#login?.accessToken
    return held !== undefined && held !== refused ? held : this.#renewOnce(refused)
  }

  staleInMs(): number | undefined {
    return this.#login && this.#staleAt - Date.now()
  }

  /** Signs in as somebody; the store and every later call are theirs. */
  signIn(credentials: Credentials): Promise<LoginResult> {
    return this.#inTurn(async () => {
      const result = await this.#calls.login(credentials)
      // They may be somebody else's, who must not be back when this login ends.
      this.#credentials = undefined
      await this.#keep(result)
      return result
    })
  }

  /** The login was ended: nothing of it is kept. */
  forget(): Promise<void> {
    return this.#inTurn(async () => {
      this.#login = undefined
      this.#credentials = undefined
      this.#cookieRefused = true
      await this.#asCaller(() => this.#store.clear())
    })
  }

  /** Otherwise what a refresh brings that began before a login would take its place. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const inTurn = () => exclusively(this.#lockName, work)
    const done = this.#last.then(inTurn, inTurn)
    this.#last = done
    return done
  }

  #renewOnce(refused: string | undefined): Promise<string | undefined> {
    this.#renewing ??= this.#inTurn(() => this.#obtain(refused)).finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  async #obtain(refused: string | undefined): Promise<string | undefined> {
    const stored = await this.#asCaller(() => this.#store.load())
    if (stored) this.#adopt(stored)
    // Another tab or process may have been here first.
    if (stored && stored.accessToken !== refused && Date.now() < this.#staleAt) return stored.accessToken
    const refreshToken = this.#byCookie ? this.#cookie() : (stored?.refreshToken ?? this.#login?.refreshToken)
    const refreshed = refreshToken === undefined ? undefined : await this.#refresh(refreshToken)
    return refreshed ?? this.#signInAgain()
  }

  #cookie(): string | undefined {
    return this.#cookieRefused ? undefined : ''
  }

  /** Undefined when that login has ended. */
  async #refresh(refreshToken: string): Promise<string | undefined> {
    try {
      return await this.#keep(await this.#refreshTwice(refreshToken))
    } catch (error) {
      if (!isUnauthenticated(error)) throw error
      this.#login = undefined
      this.#cookieRefused = true
      await this.#asCaller(() => this.#store.clear())
      return undefined
    }
  }

  // An answer that was lost may be asked for again, but only within seconds: later the same token ends the login.
  async #refreshTwice(refreshToken: string): Promise<LoginResult> {
    try {
      return await this.#calls.refresh(refreshToken)
    } catch (error) {
      if (!(error instanceof KrownClientError) || error.code !== 'CONNECTION_LOST') throw error
      return this.#calls.refresh(refreshToken)
    }
  }

  async #signInAgain(): Promise<string | undefined> {
    if (!this.#credentials) return undefined
    if (this.#refusal) throw this.#refusal
    try {
      return await this.#keep(await this.#calls.login(this.#credentials))
    } catch (error) {
      if (error instanceof KrownClientError && isUnauthenticated(error)) this.#refusal = error
      throw error
    }
  }

  async #keep(result: LoginResult): Promise<string> {
    const { accessToken, refreshToken, expiresIn } = result
    const now = Date.now()
    const accessTokenExpiresAt = new Date(now + expiresIn * 1000).toISOString()
    this.#adopt({ accessToken, refreshToken, accessTokenExpiresAt })
    this.#refusal = undefined
    this.#cookieRefused = false
    this.#loaded ??= Promise.resolve()
    await this.#asCaller(() => this.#store.save({ accessToken, refreshToken, accessTokenExpiresAt }))
    return accessToken
  }

  #adopt(login: StoredLogin): void {
    if (login.accessToken === this.#login?.accessToken) return
    this.#login = login
    this.#staleAt = staleAt(Date.now(), Date.parse(login.accessTokenExpiresAt))
  }

  async #loadStored(): Promise<void> {
    try {
      const stored = await this.#asCaller(() => this.#store.load())
      if (stored) this.#adopt(stored)
    } catch (error) {
      this.#loaded = undefined
      throw error
    }
  }

  async #asCaller<T>(work: () => T | Promise<T>): Promise<T> {
    try {
      return await work()
    } catch (error) {
      throw new CallerError(error)
    }
  }
}

function isUnauthenticated(error: unknown): boolean {
  return error instanceof KrownClientError && error.code === 'UNAUTHENTICATED'
}
