import { expect, test } from 'vitest'
import { createKrownClient } from '../../src/index.js'
import { refusalOf } from '../support/refusal.js'
import { refuseSubscriptions } from '../support/socket-server.js'

test('a stream that is refused again and again gives up in the end, also when the connection is fine', async () => {
  await using server = await refuseSubscriptions({
    code: 'UNAVAILABLE',
    kind: 'unavailable',
    retryable: true,
  })
  await using client = createKrownClient({ url: server.url, token: 'krn_pat_x', reconnectForMs: 700 })
  const entries = client.journal.follow({ after: 0 })[Symbol.asyncIterator]()
  expect(await refusalOf(entries.next())).toMatchObject({ code: 'CONNECTION_LOST' })
})
