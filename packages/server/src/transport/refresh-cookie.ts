import fastifyCookie from '@fastify/cookie'
import { isKrownError, KrownError, loginResultSchema, validationError } from '@krown/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { z } from 'zod'
import { isOwnOrigin } from './own-origin.js'

// For front ends in browsers: the refresh token in a cookie that no script can read, that goes to one path, and
// that counts only from an allowed origin. Everything else is authorised by the Authorization header alone. It is
// an affair of REST: the procedures know nothing of it, so no other door reads it.

const NAME = 'krown_refresh'
const REFRESH_PATH = '/api/auth/refresh'
const PATHS = /\/api\/auth\/(?:login|refresh|logout)$/

/** What a route does with the cookie. */
export type CookieUse = 'start' | 'renew' | 'end'

export interface RefreshCookieSettings {
  /** Origins besides the server's own whose pages may refresh. */
  readonly origins: readonly string[]
  /** How long it lies unused, milliseconds. */
  readonly maxAge: number
  /** Where the API is mounted; '' at the root. */
  readonly prefix: string
}

export interface Exchange {
  readonly request: FastifyRequest
  readonly reply: FastifyReply
}

/** Brings the reading and writing of cookies, unless the application has it; reads none by itself. */
export async function addCookies(app: FastifyInstance): Promise<void> {
  if (!app.hasDecorator('parseCookie')) await app.register(fastifyCookie, { hook: false })
}

/** Does a page that calls this URL need to send or keep the cookie? */
export function usesRefreshCookie(url: string): boolean {
  const [path = ''] = url.split('?')
  return PATHS.test(path)
}

export const loginAnswerSchema = loginResultSchema
  .extend({
    refreshToken: z.string().nullable().meta({
      description: 'Null when it is in the cookie, because the login was with `refresh: "cookie"`.',
    }),
  })
  .meta({ id: 'LoginResult' })

/** What login takes besides its procedure's input. */
export const refreshPlaceSchema = z
  .enum(['body', 'cookie'])
  .meta({ description: 'Where the refresh token goes: `cookie` keeps it from scripts. Default `body`.' })
  .optional()

/** One request to a route that has to do with the cookie: stands between its input and output and the procedure's. */
export class RefreshCookie {
  readonly #use: CookieUse
  readonly #exchange: Exchange
  readonly #settings: RefreshCookieSettings
  /** The refresh token of this request is, or is to be, in the cookie. */
  #isMeant = false

  constructor(use: CookieUse, exchange: Exchange, settings: RefreshCookieSettings) {
    this.#use = use
    this.#exchange = exchange
    this.#settings = settings
  }

  /** @throws KrownError VALIDATION_FAILED; for a refresh by cookie UNAUTHENTICATED, FORBIDDEN */
  toInput(given: unknown): unknown {
    const fields = { ...(given as Record<string, unknown> | undefined) }
    if (this.#use === 'start') return this.#withoutPlace(fields)
    if (this.#use === 'renew' && Object.keys(fields).length === 0) return { refreshToken: this.#read() }
    return given
  }

  toAnswer(output: unknown): unknown {
    if (this.#use === 'end') this.#clear()
    if (!this.#isMeant) return output
    const { refreshToken, ...answer } = output as { refreshToken: string }
    this.#set(refreshToken, Math.floor(this.#settings.maxAge / 1_000))
    return { ...answer, refreshToken: null }
  }

  /** A token that is good no more is not kept; one that could not be tried is. */
  failed(error: unknown): void {
    if (!this.#isMeant || this.#use !== 'renew') return
    const cause = error instanceof Error ? error.cause : undefined
    if (isKrownError(cause) && cause.code === 'UNAUTHENTICATED') this.#clear()
  }

  #withoutPlace({ refresh, ...input }: Record<string, unknown>): unknown {
    const place = refreshPlaceSchema.safeParse(refresh)
    if (!place.success) throw validationError([{ path: 'refresh', message: 'must be "body" or "cookie"' }])
    this.#isMeant = place.data === 'cookie'
    return input
  }

  #read(): string {
    const { headers, server } = this.#exchange.request
    const token = server.parseCookie(headers.cookie ?? '')[NAME]
    if (token === undefined) throw new KrownError('UNAUTHENTICATED', 'sign in again')
    this.#requireOrigin()
    this.#isMeant = true
    // Of two one is not ours: another host of the site can set it for all of them.
    if (countCookies(headers.cookie ?? '') > 1) throw new KrownError('UNAUTHENTICATED', 'sign in again')
    return token
  }

  // SameSite lets pages of the same site through; not each of them need be trusted.
  #requireOrigin(): void {
    const { request } = this.#exchange
    const { origin } = request.headers
    if (isOwnOrigin(request) || (origin !== undefined && this.#settings.origins.includes(origin))) return
    throw new KrownError('FORBIDDEN', 'pages of this origin may not refresh: see server.cors_origins')
  }

  #clear(): void {
    this.#set('', 0)
  }

  #set(value: string, maxAge: number): void {
    const { request, reply } = this.#exchange
    const cookie = request.server.serializeCookie(NAME, value, {
      path: this.#settings.prefix + REFRESH_PATH,
      httpOnly: true,
      sameSite: 'strict',
      // Also when only the proxy in front speaks TLS, if it may be believed.
      secure: request.protocol === 'https',
      maxAge,
    })
    reply.header('set-cookie', cookie)
  }
}

function countCookies(header: string): number {
  return header.split(';').filter((pair) => pair.trimStart().startsWith(`${NAME}=`)).length
}
