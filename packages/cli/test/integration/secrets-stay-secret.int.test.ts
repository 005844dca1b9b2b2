import { findPostgres } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { call } from '../../../server/test/support/call.js'
import {
  tourAdministration,
  tourCli,
  tourSdk,
  tourSocket,
  tourTrpc,
} from '../support/secret-tour/other-doors.js'
import { tourRest } from '../support/secret-tour/rest-tour.js'
import { type DatabaseKind, SecretWorld } from '../support/secret-tour/world.js'

const hasPostgres = (await findPostgres()) !== undefined
const DATABASES: DatabaseKind[] = hasPostgres ? ['sqlite', 'postgres'] : ['sqlite']

/** Harmless, and known to be in places of every kind: were they not found there, nothing would be. */
async function hideDecoys({ scan, url, dataDir }: SecretWorld, sessionId: string) {
  const { body } = await call(url, 'GET /api/auth/me')
  scan.hide('decoy: a request', String(body.requestId))
  scan.hide('decoy: a session', sessionId)
  scan.hide('decoy: the data directory', dataDir)
}

describe.each(DATABASES)('a server on %s, at level debug', (kind) => {
  test('J01 T35: secrets that went through every door, right and refused, are in no place that lasts or shows', async () => {
    await using world = await SecretWorld.start(kind)
    const tour = await tourRest(world)
    await world.keepState()
    await tourTrpc(world, tour)
    await tourSocket(world, tour)
    await tourSdk(world, tour)
    await tourCli(world, tour)
    await tourAdministration(world)
    await world.keepState()
    await hideDecoys(world, tour.sessionId)
    await world.stop()

    const found = world.scan.found()
    const isDecoy = ({ secret }: { secret: string }) => secret.startsWith('decoy')
    expect(found.filter((one) => !isDecoy(one))).toEqual([])
    expect(world.scan.secrets.length).toBeGreaterThan(20)
    expect(new Set(found.filter(isDecoy).map(({ place }) => place))).toEqual(world.scan.places)
  }, 300_000)
})
