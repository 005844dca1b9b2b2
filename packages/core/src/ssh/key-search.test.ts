import { expect, test } from 'vitest'
import type { SshLogin } from './connector.js'
import { searchKey } from './key-search.js'

const TYPES = ['ssh-ed25519', 'ecdsa-sha2-nistp256', 'ssh-rsa']

/** A host with a key of each of these types, whose fingerprint is that type, and what becomes of looking for keys. */
async function lookFor(hostKeyFingerprints: string[] | undefined, hostHas = TYPES) {
  const seen: string[] = []
  const decided: string[] = []
  const login: Pick<SshLogin, 'verifyHostKey' | 'hostKeyFingerprints'> = {
    ...(hostKeyFingerprints && { hostKeyFingerprints }),
    verifyHostKey: async ({ fingerprint }) => {
      decided.push(fingerprint)
      if (hostKeyFingerprints && !hostKeyFingerprints.includes(fingerprint)) throw new Error('refused')
    },
  }
  const end = await searchKey(login, async ({ hostKeyTypes, verifyHostKey }) => {
    const [type = ''] = [...hostKeyTypes, ...TYPES].filter((name) => hostHas.includes(name))
    seen.push(type)
    await verifyHostKey({ algorithm: type, fingerprint: type, blob: Buffer.alloc(0) })
    return 'connected'
  }).catch((error: Error) => error.message)
  return { seen, decided, end }
}

test('a host is asked for one type after the other until it shows a key that is wanted', async () => {
  const found = await lookFor(['ssh-rsa'])
  expect(found).toEqual({ seen: TYPES, decided: ['ssh-rsa'], end: 'connected' })
  expect((await lookFor(['ssh-rsa'], ['ssh-ed25519', 'ssh-rsa'])).seen).toEqual(['ssh-ed25519', 'ssh-rsa'])
})

test('a host is dialled once where nothing is looked for', async () => {
  expect(await lookFor(undefined)).toEqual({
    seen: ['ssh-ed25519'],
    decided: ['ssh-ed25519'],
    end: 'connected',
  })
})

test('F12: a host that shows none of them is refused, after three looks or when it has no more to show', async () => {
  const strange = await lookFor(['another'])
  expect(strange).toEqual({ seen: TYPES, decided: ['ssh-rsa'], end: 'refused' })
  const single = await lookFor(['another'], ['ssh-ed25519'])
  expect(single).toEqual({
    seen: ['ssh-ed25519', 'ssh-ed25519'],
    decided: ['ssh-ed25519'],
    end: 'refused',
  })
})
