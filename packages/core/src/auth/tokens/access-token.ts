import { hash, subtle, type webcrypto } from 'node:crypto'
import { type CompactJWSHeaderParameters, jwtVerify, SignJWT } from 'jose'
import { z } from 'zod'
import type { Clock } from '../../base/clock.js'
import type { Branded, NewId } from '../../base/ids.js'
import type { LoginId, OrgId, UserId } from '../../model/ids.js'
import { loginIdSchema, orgIdSchema, userIdSchema } from '../../model/ids-schema.js'
import { unauthenticated } from '../unauthenticated.js'

const ALGORITHM = 'HS256'
const TYPE = 'at+jwt'
const ISSUER = 'krown'
const AUDIENCE = 'krown-api'
const LEEWAY_S = 5
/** The longest life that can be configured. */
const MAX_LIFE_S = 24 * 60 * 60
const MAX_LENGTH = 4_096

/** Who an access token says its bearer is; what the bearer may do is asked of the database. */
export interface AccessClaims {
  readonly userId: UserId
  readonly orgId: OrgId
  readonly loginId: LoginId
  readonly tokenVersion: number
}

export interface VerifiedClaims extends AccessClaims {
  /** Epoch milliseconds. */
  readonly expiresAt: number
}

export interface AccessTokenSettings {
  /** At least 32 bytes. */
  readonly jwtSecret: string
  /** Their tokens are still good, but no new ones are made with them. */
  readonly previousJwtSecrets: readonly string[]
  /** Milliseconds. */
  readonly accessTokenTtl: number
}

interface Key {
  readonly id: string
  /** Imported once: from bytes, jose would do it again for every token. */
  readonly imported: Promise<webcrypto.CryptoKey>
}

const seconds = z.int().min(0)

// Other claims may be there and mean nothing.
const payloadSchema = z.object({
  iss: z.literal(ISSUER),
  aud: z.literal(AUDIENCE),
  sub: userIdSchema,
  org: orgIdSchema,
  sid: loginIdSchema,
  tv: z.int().min(0),
  jti: z.string().min(1),
  iat: seconds,
  nbf: seconds,
  exp: seconds,
})

/** Makes and checks access tokens: JWTs whose algorithm, type and key are fixed (RFC 8725, RFC 9068). */
export class AccessTokens {
  readonly #clock: Clock
  readonly #newId: NewId
  readonly #active: Key
  readonly #keys: ReadonlyMap<string, Key>
  readonly #lifeS: number

  constructor(deps: { clock: Clock; newId: NewId; settings: AccessTokenSettings }) {
    const { jwtSecret, previousJwtSecrets, accessTokenTtl } = deps.settings
    this.#clock = deps.clock
    this.#newId = deps.newId
    this.#lifeS = Math.max(1, Math.floor(accessTokenTtl / 1_000))
    this.#active = toKey(jwtSecret)
    this.#keys = new Map([...previousJwtSecrets.map(toKey), this.#active].map((key) => [key.id, key]))
  }

  get lifeS(): number {
    return this.#lifeS
  }

  async issue(claims: AccessClaims): Promise<string> {
    const now = this.#nowS()
    return new SignJWT({ org: claims.orgId, sid: claims.loginId, tv: claims.tokenVersion })
      .setProtectedHeader({ alg: ALGORITHM, typ: TYPE, kid: this.#active.id })
      .setIssuer(ISSUER)
      .setAudience(AUDIENCE)
      .setSubject(claims.userId)
      .setJti(this.#newId<Branded<'JwtId'>>())
      .setIssuedAt(now)
      .setNotBefore(now)
      .setExpirationTime(now + this.#lifeS)
      .sign(await this.#active.imported)
  }

  /** @throws KrownError UNAUTHENTICATED, the same for whatever is wrong with it. */
  async verify(token: string): Promise<VerifiedClaims> {
    try {
      return await this.#verified(token)
    } catch (error) {
      throw unauthenticated(error)
    }
  }

  async #verified(token: string): Promise<VerifiedClaims> {
    if (token.length > MAX_LENGTH) throw new Error('the token is too long')
    const { payload } = await jwtVerify(token, (header) => this.#keyFor(header), {
      algorithms: [ALGORITHM],
      issuer: ISSUER,
      audience: AUDIENCE,
      clockTolerance: LEEWAY_S,
      currentDate: new Date(this.#clock.now()),
    })
    const { sub, org, sid, tv, iat, exp } = payloadSchema.parse(payload)
    if (iat > this.#nowS() + LEEWAY_S) throw new Error('the token was issued in the future')
    if (exp - iat > MAX_LIFE_S) throw new Error('the token lives too long')
    return { userId: sub, orgId: org, loginId: sid, tokenVersion: tv, expiresAt: exp * 1_000 }
  }

  // Exactly the header that `issue` writes: no key, certificate or extension of the bearer's choosing.
  #keyFor(header: CompactJWSHeaderParameters): Promise<webcrypto.CryptoKey> {
    const { alg, typ, kid, ...others } = header
    const key = alg === ALGORITHM && typ === TYPE ? this.#keys.get(String(kid)) : undefined
    if (!key || Object.keys(others).length > 0) throw new Error('the token has another header')
    return key.imported
  }

  #nowS(): number {
    return Math.floor(this.#clock.now() / 1_000)
  }
}

function toKey(secret: string): Key {
  const id = hash('sha256', `krown access token key id\0${secret}`, 'hex').slice(0, 8)
  const hmac = { name: 'HMAC', hash: 'SHA-256' }
  return { id, imported: subtle.importKey('raw', Buffer.from(secret), hmac, false, ['sign', 'verify']) }
}
