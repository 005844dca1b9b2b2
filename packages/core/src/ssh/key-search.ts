import { otherKeyTypes } from './algorithms.js'
import type { SshLogin } from './connector.js'

/** Connections that are made to see the keys of one host. */
const MAX_LOOKS = 3

/** What a host is asked for, and who decides about what it shows. */
export type KeyAsked = Pick<SshLogin, 'verifyHostKey'> & { readonly hostKeyTypes: readonly string[] }

/**
 * Dials a host that has to show a certain key whose type is not known: for a key of one type after the other, until it
 * shows that one. What it shows last is decided about like any other.
 *
 * @param dial Rejects with what `verifyHostKey` threw.
 */
export async function searchKey<Result>(
  login: Pick<SshLogin, 'verifyHostKey' | 'hostKeyTypes' | 'hostKeyFingerprints'>,
  dial: (asked: KeyAsked) => Promise<Result>,
): Promise<Result> {
  const { hostKeyFingerprints: wanted = [] } = login
  const shown = new Set<string>()
  let hostKeyTypes = login.hostKeyTypes ?? []
  for (let looks = 1; ; looks += 1) {
    const isAnother = new Error('the host is to show another key')
    const verifyHostKey: SshLogin['verifyHostKey'] = async (key) => {
      const isFirst = !shown.has(key.algorithm)
      shown.add(key.algorithm)
      const isWanted = wanted.length === 0 || wanted.includes(key.fingerprint)
      if (!isWanted && isFirst && looks < MAX_LOOKS) throw isAnother
      await login.verifyHostKey(key)
    }
    try {
      return await dial({ hostKeyTypes, verifyHostKey })
    } catch (error) {
      if (error !== isAnother) throw error
    }
    hostKeyTypes = otherKeyTypes(shown)
  }
}
