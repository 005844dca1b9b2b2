import { Session } from 'node:inspector/promises'
import { writeFileSync } from 'node:fs'
import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { runBurst } from './lib/burst.js'
import { Gateway } from './lib/gateway.js'
import { RawConnection } from './lib/raw-ssh.js'
const server = await startBenchSshServer()
const gw = await Gateway.start({ endpoint: server, databaseUrl: process.env.PGURL ?? '' })
const ss = []
for (let i = 0; i < 32; i++) ss.push(await gw.open())
const raws = []
for (let i = 0; i < 32; i++) raws.push(await RawConnection.open(server))
const execs = ss.map((s) => (c: string) => s.exec(c))
const rexecs = raws.map((s) => (c: string) => s.exec(c))
for (let i = 0; i < 4; i++) { await runBurst(execs, 2000); await runBurst(rexecs, 2000) }
const med = (a: number[]) => a.sort((x, y) => x - y)[a.length >> 1]
if (process.env.PROF) {
  const insp = new Session(); insp.connect()
  await insp.post('Profiler.enable'); await insp.post('Profiler.setSamplingInterval', { interval: 200 }); await insp.post('Profiler.start')
  for (let i = 0; i < 6; i++) console.log(await runBurst(execs, 2000))
  const { profile } = await insp.post('Profiler.stop')
  writeFileSync('/tmp/kb/p.cpuprofile', JSON.stringify(profile))
} else {
  const a = [], b = [], ra = [], rb = []
  for (let i = 0; i < 9; i++) { const r = await runBurst(rexecs, 2000); const k = await runBurst(execs, 2000); a.push(r.mainThreadMs); b.push(k.mainThreadMs); ra.push(r.commandsPerSecond); rb.push(k.commandsPerSecond) }
  console.log('cpu raw', med(a)!.toFixed(4), 'krown', med(b)!.toFixed(4), 'added', (med(b)! - med(a)!).toFixed(4), 'min added', (Math.min(...b) - Math.min(...a)).toFixed(4), 'rate raw', med(ra)!.toFixed(0), 'krown', med(rb)!.toFixed(0), (med(rb)!/med(ra)!).toFixed(3))
}
console.log((globalThis as any).G); for (const r of raws) await r.close()
await gw[Symbol.asyncDispose](); await server.stop()
