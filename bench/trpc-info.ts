import { createKrownClient } from '@krown/sdk'
import { startBareFastify } from './lib/bare-fastify.js'
import { timeInTurn } from './lib/interleave.js'
import type { Scenario } from './lib/scenario.js'
import { ServerProcess } from './lib/server-process.js'
import { median } from './lib/statistics.js'

const SAMPLING = { rounds: 200, warmUp: 100, burst: 5 }
const NO_TARGET = { host: '127.0.0.1', port: 1, username: '', privateKey: '' }

export const scenario: Scenario = {
  name: 'trpc-info',
  title: 'tRPC system.info by httpLink beside fetch of a bare Fastify route, each server in its own process',
  run: async () => {
    await using server = await ServerProcess.start(NO_TARGET)
    await using client = createKrownClient({ url: server.url })
    const answer = JSON.stringify(await client.system.info())
    await using bare = await startBareFastify(answer)
    const fetchText = async (url: string) => (await fetch(url)).json()
    const steps = {
      bare: () => fetchText(bare.url),
      trpc: () => client.trpc.system.info.query(),
      fetched: () => fetchText(`${server.url}/trpc/system.info`),
    }
    const times = await timeInTurn(steps, SAMPLING)
    const bareP50 = median(times.bare)
    const peers = { 'bare Fastify and fetch': bareP50 }
    return [
      {
        what: 'as a multiple of a bare Fastify route and fetch, p50',
        value: median(times.trpc) / bareP50,
        unit: '×',
        target: { atMost: 1.3 },
      },
      { what: 'system.info with the SDK, p50', value: median(times.trpc), unit: 'ms', peers },
      { what: 'the same by fetch alone, p50', value: median(times.fetched), unit: 'ms', peers },
    ]
  },
}
