import { connectionLost, KrownClientError } from '../errors/errors.js'
import { fromProblem, isProblem, notKrown } from '../errors/problem.js'
import { toClientError } from '../errors/to-client-error.js'
import type { ClientSettings } from '../options.js'
import type { Access } from '../sign-in/access.js'
import { textOf } from './answer.js'

/** Reads files of any length from the REST API, piece by piece. */
export class Downloads {
  readonly #settings: ClientSettings
  readonly #access: Access

  constructor(settings: ClientSettings, access: Access) {
    this.#settings = settings
    this.#access = access
  }

  /**
   * Asks when the first piece is asked for, and again with a fresh token when the server refuses the first; ends the
   * request when nobody wants more.
   *
   * @param path Below the base URL, with its query.
   * @throws KrownClientError What the server says; CONNECTION_LOST also when it sends nothing for as long as a request
   * may take.
   */
  async *read(path: string): AsyncGenerator<Uint8Array> {
    const patience = new Patience(this.#settings.requestTimeoutMs)
    try {
      const body = await this.#open(path, patience)
      const reader = body.getReader()
      for (;;) {
        const part = await patience.during(() => reader.read())
        if (part.done) return
        yield part.value
      }
    } catch (error) {
      throw this.#explain(error)
    } finally {
      patience.abort()
    }
  }

  async #open(path: string, patience: Patience): Promise<ReadableStream<Uint8Array>> {
    const token = await this.#access.current()
    let response = await this.#ask(path, token, patience)
    if (response.status === 401 && token !== undefined) {
      const fresh = await this.#access.renew(token)
      if (fresh !== undefined) {
        await response.body?.cancel()
        response = await this.#ask(path, fresh, patience)
      }
    }
    if (response.status === 200 && response.body) return response.body
    const text = await patience.during(() => textOf(response))
    throw refusalOf(response.status, text)
  }

  #ask(path: string, token: string | undefined, patience: Patience): Promise<Response> {
    const { baseUrl, fetch } = this.#settings
    const headers = new Headers(token === undefined ? undefined : { authorization: `Bearer ${token}` })
    const init = { headers, signal: patience.signal, redirect: 'manual' } as const
    return patience.during(() => fetch(baseUrl + path, init))
  }

  #explain(error: unknown): unknown {
    const known = toClientError(error)
    // What fetch throws says the rest: of a connection that ended it is a TypeError.
    if (known instanceof KrownClientError || !isLost(known)) return known
    return connectionLost(`no answer from ${this.#settings.origin}`)
  }
}

/** Gives up what takes longer than it may; between two pieces nobody waits. */
class Patience {
  readonly #over = new AbortController()
  readonly #timeoutMs: number

  constructor(timeoutMs: number) {
    this.#timeoutMs = Math.min(Math.ceil(timeoutMs), 2 ** 31 - 1)
  }

  get signal(): AbortSignal {
    return this.#over.signal
  }

  async during<T>(work: () => Promise<T>): Promise<T> {
    const timer = setTimeout(() => this.#over.abort(), this.#timeoutMs)
    try {
      return await work()
    } finally {
      clearTimeout(timer)
    }
  }

  abort(): void {
    this.#over.abort()
  }
}

function isLost(error: unknown): boolean {
  return error instanceof TypeError || (error instanceof Error && error.name === 'AbortError')
}

function refusalOf(status: number, text: string): KrownClientError {
  try {
    const body: unknown = JSON.parse(text)
    return isProblem(body) ? fromProblem(body) : notKrown(status)
  } catch {
    return notKrown(status)
  }
}
