import { CallerError } from '../errors/to-client-error.js'
import { type Access, staleAt } from './access.js'

/** A token that the caller gave; refreshing it is the caller's affair. */
export class GivenToken implements Access {
  readonly #give: () => string | Promise<string>
  readonly #fixed: boolean
  #staleAt: number | undefined

  constructor(token: string | (() => string | Promise<string>)) {
    this.#fixed = typeof token === 'string'
    this.#give = typeof token === 'string' ? () => token : token
  }

  async current(): Promise<string> {
    try {
      const token = await this.#give()
      this.#staleAt = this.#fixed ? undefined : staleAtOf(token)
      return token
    } catch (error) {
      throw new CallerError(error)
    }
  }

  async renew(refused: string): Promise<string | undefined> {
    if (this.#fixed) return undefined
    const token = await this.current()
    return token === refused ? undefined : token
  }

  staleInMs(): number | undefined {
    return this.#staleAt === undefined ? undefined : this.#staleAt - Date.now()
  }
}

/** By the claims of an access token (RFC 7519); undefined for every other token. */
function staleAtOf(token: string): number | undefined {
  const [, claims, signature] = token.split('.')
  if (claims === undefined || signature === undefined) return undefined
  try {
    const { iat, exp } = JSON.parse(atob(claims.replaceAll('-', '+').replaceAll('_', '/')))
    return typeof exp === 'number' ? staleAt(Number(iat ?? exp) * 1000, exp * 1000) : undefined
  } catch {
    return undefined
  }
}
