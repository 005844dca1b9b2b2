import { readFileSync, readdirSync } from 'node:fs'
import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { runBurst } from './lib/burst.js'
import { RawConnection } from './lib/raw-ssh.js'
import { Gateway } from './lib/gateway.js'
const server = await startBenchSshServer()
const gw = await Gateway.start({ endpoint: server, databaseUrl: process.env.PGURL ?? '' })
const execs: any[] = []
for (let i = 0; i < 32; i++) { if (process.env.RAW) { const r = await RawConnection.open(server); execs.push((c: string) => r.exec(c)) } else { const s = await gw.open(); execs.push((c: string) => s.exec(c)) } }
const snap = () => { const m = new Map<string, number>(); for (const pid of [process.pid, server.pid]) for (const t of readdirSync(`/proc/${pid}/task`)) m.set(`${pid === process.pid ? 'krown' : 'server'} ${t} ${readFileSync(`/proc/${pid}/task/${t}/comm`, 'utf8').trim()}`, Number(readFileSync(`/proc/${pid}/task/${t}/schedstat`, 'utf8').split(' ')[0]) / 1e3); return m }
for (let i = 0; i < 5; i++) await runBurst(execs, 2000)
const a = snap(), t = performance.now(); const N = 20000
for (let i = 0; i < 10; i++) await runBurst(execs, 2000)
const wall = performance.now() - t, b = snap()
console.log('rate', (N / wall * 1000).toFixed(0)); let sum = 0
for (const [k, v] of b) { const d = (v - (a.get(k) ?? 0)) / N; sum += d; if (d > 0.5) console.log(d.toFixed(1).padStart(8), 'us', k) }
console.log((globalThis as any).G); console.log('sum', sum.toFixed(0), 'us')
process.exit()
