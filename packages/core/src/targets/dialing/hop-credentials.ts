import type { z } from 'zod'
import type { Clock } from '../../base/clock.js'
import { raceSignal, startDeadline } from '../../base/deadline.js'
import { KrownError, validationError } from '../../errors/krown-error.js'
import type { Actor } from '../../model/actor.js'
import type { OrgId } from '../../model/ids.js'
import { type SessionAuth, sessionAuthSchema } from '../../model/session.js'
import type { TargetFacts } from '../../model/target.js'
import type { PrivateKeyReader } from '../../ssh/private-key.js'
import type { CredentialSecrets } from '../credentials/credential-secrets.js'
import type { DialHop, DialPlan, HopAuth, PlannedAuth, UnsettledPlan } from './dial-plan.js'

/** For which target a credential is wanted, and on whose behalf. */
export interface CredentialRequest {
  readonly orgId: OrgId
  readonly target: TargetFacts
  /** Who opens the session; Krown has decided already that it may. */
  readonly actor: Actor
}

/** An embedding program's own store of secrets, such as Vault or a cloud's. */
export interface CredentialProvider {
  /**
   * Asked when a target has no stored credential and the caller brings none. The answer is used for one connection, to
   * the host, port and user name of that target, and kept nowhere.
   *
   * @returns Undefined when it has none for that target.
   */
  credentialFor(request: CredentialRequest): Promise<SessionAuth | undefined>
}

export interface HopCredentialsDeps {
  readonly secrets: Pick<CredentialSecrets, 'secretFor'>
  readonly provider: CredentialProvider | undefined
  readonly keys: Pick<PrivateKeyReader, 'read'>
  readonly clock: Clock
  /** How long the provider may take. */
  readonly timeoutMs: number
}

const answerSchema = sessionAuthSchema.optional() satisfies z.ZodType<SessionAuth | undefined>

/** Where the credentials of hops come from. */
export class HopCredentials {
  readonly #deps: HopCredentialsDeps

  constructor(deps: HopCredentialsDeps) {
    this.#deps = deps
  }

  /**
   * Asks the provider for what is wanted.
   *
   * @throws KrownError VALIDATION_FAILED when there is no credential for the last hop, since the caller can bring one;
   * otherwise as `settleJumps`.
   */
  async settle(actor: Actor, { jumps, last }: UnsettledPlan, signal?: AbortSignal): Promise<DialPlan> {
    const auth = (await this.#settled(actor, last, signal)) ?? missing()
    return { jumps: await this.settleJumps(actor, jumps, signal), last: { ...last, auth } }
  }

  /**
   * @throws KrownError CONFLICT when there is no credential for a jump host; UNAVAILABLE when the provider fails or is
   * too slow.
   */
  async settleJumps(
    actor: Actor,
    jumps: readonly DialHop<PlannedAuth>[],
    signal?: AbortSignal,
  ): Promise<DialHop[]> {
    const settle = async (hop: DialHop<PlannedAuth>) => {
      const auth = (await this.#settled(actor, hop, signal)) ?? missingForJump(hop)
      return { ...hop, auth }
    }
    return Promise.all(jumps.map(settle))
  }

  /** Decrypts what is stored: for the dial alone. @throws KrownError as `CredentialSecrets.secretFor` */
  async authFor(orgId: OrgId, auth: HopAuth): Promise<SessionAuth> {
    return auth.kind === 'stored' ? this.#deps.secrets.secretFor(orgId, auth.credentialId) : auth.auth
  }

  async #settled(
    actor: Actor,
    { auth }: DialHop<PlannedAuth>,
    signal: AbortSignal | undefined,
  ): Promise<HopAuth | undefined> {
    if (auth.kind !== 'wanted') return auth
    const provided = await this.#ask({ orgId: actor.orgId, target: auth.target, actor }, signal)
    return provided && { kind: 'provided', auth: provided }
  }

  async #ask(request: CredentialRequest, parent: AbortSignal | undefined): Promise<SessionAuth | undefined> {
    const { provider, keys, clock, timeoutMs } = this.#deps
    if (!provider) return undefined
    using deadline = startDeadline(clock, timeoutMs, { parent, reason: () => providerFailed() })
    try {
      const auth = answerSchema.parse(await raceSignal(provider.credentialFor(request), deadline.signal))
      // Read here, or the caller would be told that the key which it never sent cannot be read.
      if (auth?.method === 'key') await keys.read(auth, deadline.signal)
      return auth
    } catch (error) {
      throw deadline.signal.aborted ? deadline.signal.reason : providerFailed(withoutSecrets(error))
    }
  }
}

function providerFailed(cause?: Error): KrownError {
  return new KrownError('UNAVAILABLE', 'the store of credentials failed, or has none that can be used', {
    cause,
  })
}

/** What a provider throws may tell a secret in whatever it holds, and causes are logged. */
function withoutSecrets(thrown: unknown): Error {
  if (!(thrown instanceof Error)) return new Error('not an Error was thrown')
  const code = 'code' in thrown && typeof thrown.code === 'string' ? ` ${thrown.code}` : ''
  return new Error(`${thrown.name}${code}`)
}

function missing(): never {
  throw validationError([{ path: 'auth', message: 'is needed: the target has no credential of its own' }])
}

function missingForJump({ name }: DialHop<PlannedAuth>): never {
  throw new KrownError('CONFLICT', `the jump host ${name} has no credential: an admin has to give it one`, {
    details: { hopName: name },
  })
}
