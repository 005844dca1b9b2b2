import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { mainThreadCpuMs } from './lib/main-thread.js'
import { RawConnection } from './lib/raw-ssh.js'
import { runBurst } from './lib/burst.js'
import { Gateway } from './lib/gateway.js'
import { createSshConnector } from '../packages/core/src/ssh/create-ssh-connector.js'
import { systemClock } from '../packages/core/src/base/clock.js'
const server = await startBenchSshServer()
const connector = createSshConnector({ clock: systemClock, connectTimeoutMs: 1e4, handshakeTimeoutMs: 1e4, keepaliveIntervalMs: 15e3 })
const conns = [], raws = [], sess = []
const gw = await Gateway.start({ endpoint: server, databaseUrl: process.env.PGURL ?? '' })
for (let i = 0; i < 32; i++) {
  conns.push(await connector.connect({ host: server.host, port: server.port, username: server.username, auth: { method: 'key', privateKey: server.privateKey }, checkAddresses() {}, async verifyHostKey() {} }))
  raws.push(await RawConnection.open(server))
  sess.push(await gw.open())
}
const viaConnector = conns.map((c) => (command: string) => new Promise<void>((resolve, reject) => {
  c.exec(command, { data() {}, end() { resolve() } }).then((ch) => ch.endInput(), reject)
}))
const viaRaw = raws.map((s) => (c: string) => s.exec(c))
const viaKrown = sess.map((s) => (c: string) => s.exec(c))
const med = (a: number[]) => [...a].sort((x, y) => x - y)[a.length >> 1]!
const R = { raw: [] as number[], connector: [] as number[], krown: [] as number[] }
for (let i = -4; i < Number(process.env.N ?? 15); i++) for (const [n, e] of [['raw', viaRaw], ['connector', viaConnector], ['krown', viaKrown]] as const) {
  const f = await runBurst(e, 1000); if (i >= 0) R[n].push(f.mainThreadMs * 1000)
}
for (const [n, a] of Object.entries(R)) console.log(n, 'median', med(a).toFixed(1), 'p25', [...a].sort((x,y)=>x-y)[a.length>>2]!.toFixed(1), 'min', Math.min(...a).toFixed(1))
for (const r of raws) await r.close()
await connector[Symbol.asyncDispose](); await gw[Symbol.asyncDispose](); await server.stop()
