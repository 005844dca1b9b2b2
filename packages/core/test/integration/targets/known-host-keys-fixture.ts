import { createHash, generateKeyPairSync } from 'node:crypto'
import { newId } from '../../../src/base/ids.js'
import type { OrgId } from '../../../src/model/ids.js'
import type { KrownClient } from '../../../src/model/krown-client.js'
import type { KrownFixture } from '../../support/krown-fixture.js'

/** One line's worth of a key that no host has. */
export interface MadeKey {
  /** Type and base64, as in a known_hosts file. */
  readonly text: string
  readonly fingerprint: string
}

export function makeKey(): MadeKey {
  const { x = '' } = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' })
  const strings = [Buffer.from('ssh-ed25519'), Buffer.from(x, 'base64url')]
  const blob = Buffer.concat(
    strings.flatMap((part) => {
      const length = Buffer.alloc(4)
      length.writeUInt32BE(part.length)
      return [length, part]
    }),
  )
  const hash = createHash('sha256').update(blob).digest('base64').replace(/=+$/, '')
  return { text: `ssh-ed25519 ${blob.toString('base64')}`, fingerprint: `SHA256:${hash}` }
}

/** An admin of another organization of the same Krown. */
export async function foreignAdmin({ db, krown }: KrownFixture): Promise<KrownClient> {
  const orgId = newId<OrgId>()
  await db.insertInto('organizations').values({ id: orgId, slug: orgId, name: 'B', created_at: 0 }).execute()
  const identity = { issuer: 'test', subject: orgId, displayName: 'eve', role: 'admin', orgId } as const
  return krown.as(await krown.actors.external(identity))
}
