import { expect, test } from 'vitest'
import { floodPastWindow, startHostileSshServer, waitFor } from '../src/index.js'
import { connectSsh } from './ssh-client.js'

/** ssh2 announces this much and grants no more while nobody reads. */
const WINDOW_BYTES = 2 * 1024 * 1024

test('floodPastWindow sends more than the flow window of a client that does not read', async () => {
  const totalBytes = 4 * WINDOW_BYTES
  let flooded: Promise<number> | undefined
  await using server = await startHostileSshServer({
    onExec: (_command, channel) => {
      flooded = floodPastWindow(channel, { totalBytes })
    },
  })
  await using client = await connectSsh(server)
  const channel = await client.open('flood')
  await waitFor(() => channel.readableLength > 2 * WINDOW_BYTES, { what: 'data past the window' })
  expect(await flooded).toBe(totalBytes)
})

test('floodPastWindow ends when the peer is gone', async () => {
  let flooded: Promise<number> | undefined
  await using server = await startHostileSshServer({
    onExec: (_command, channel) => {
      flooded = floodPastWindow(channel, { totalBytes: Number.POSITIVE_INFINITY })
    },
  })
  await using client = await connectSsh(server)
  await client.open('flood')
  client.client.destroy()
  expect(await flooded).toBeGreaterThan(0)
})
