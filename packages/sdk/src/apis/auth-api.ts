import type { KrownClient, RegisterInput, User } from '@krown/core/model'
import { invalidInput, isKrownError, KrownClientError } from '../errors/errors.js'
import { translated } from '../errors/to-client-error.js'
import type { Credentials } from '../options.js'
import { SignIn } from '../sign-in/sign-in.js'
import type { ApiParts } from './api-parts.js'

/** How a client comes to be somebody. */
export interface SignInApi {
  /**
   * Signs this client in: from now on it is that user, and its token store holds the login. `credentials` that the
   * client was made with are used no more.
   *
   * @throws KrownClientError UNAUTHENTICATED for a wrong name or password; VALIDATION_FAILED when the client was given
   *   a `token`.
   */
  login(credentials: Credentials): Promise<User>
  /**
   * Makes a user, with the `setupToken` of a new server the first administrator, with an `inviteToken` what that says;
   * does not sign in.
   *
   * @throws KrownClientError CONFLICT when the name is taken; FORBIDDEN when registration is closed.
   */
  register(input: RegisterInput): Promise<User>
  /** Ends the login and forgets it here. Signing out when nobody is signed in is fine. */
  logout(): Promise<void>
}

export function authApi({ trpc, access, sockets }: ApiParts): KrownClient['auth'] & SignInApi {
  return {
    me: () => translated(trpc.auth.me.query()),
    changePassword: (input) => translated(trpc.auth.changePassword.mutate(input)),
    register: (input) => translated(trpc.auth.register.mutate(input)),
    login: async (credentials) => {
      if (!(access instanceof SignIn))
        throw invalidInput('token', 'a client with a token of its own cannot sign in')
      const { user } = await translated(access.signIn(credentials))
      sockets.drop(signedOut('somebody signed in anew'))
      return user
    },
    logout: async () => {
      try {
        await translated(trpc.auth.logout.mutate())
      } catch (error) {
        if (!(isKrownError(error) && error.code === 'UNAUTHENTICATED')) throw error
      }
      if (access instanceof SignIn) await translated(access.forget())
      sockets.drop(signedOut('signed out'))
    },
  }
}

function signedOut(message: string): KrownClientError {
  return new KrownClientError('UNAUTHENTICATED', message, { kind: 'unauthenticated' })
}
