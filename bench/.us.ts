import { readFileSync } from 'node:fs'
import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { PerformanceObserver } from 'node:perf_hooks'
import { mainThreadCpuMs } from './lib/main-thread.js'
import { RawConnection } from './lib/raw-ssh.js'
import { runBurst } from './lib/burst.js'
import { Gateway } from './lib/gateway.js'
const server = await startBenchSshServer()
const gw = await Gateway.start({ endpoint: server })
const raws: RawConnection[] = [], sess: any[] = []
for (let i = 0; i < 32; i++) { raws.push(await RawConnection.open(server)); sess.push(await gw.open()) }
let gc = 0, gcn = 0
new PerformanceObserver((l) => { for (const e of l.getEntries()) { gc += e.duration; gcn++ } }).observe({ entryTypes: ['gc'] })
const st = () => { const f = readFileSync(`/proc/self/task/${process.pid}/stat`, 'utf8').split(') ')[1]!.split(' '); const s = readFileSync(`/proc/self/task/${process.pid}/status`, 'utf8'); const v = Number(/\nvoluntary_ctxt_switches:\s+(\d+)/.exec(s)![1]), nv = Number(/nonvoluntary_ctxt_switches:\s+(\d+)/.exec(s)![1]); return { u: Number(f[11]) * 10, s: Number(f[12]) * 10, t: mainThreadCpuMs(), gc, gcn, v, nv } }
const acc: any = { raw: {}, krown: {} }
for (let i = -3; i < 10; i++) for (const [n, e] of [['raw', raws.map((s) => (c: string) => s.exec(c))], ['krown', sess.map((s) => (c: string) => s.exec(c))]] as const) {
  const a = st(); await runBurst(e, 2000); await new Promise((r) => setTimeout(r, 5)); const b = st() as any
  if (i >= 0) for (const k of Object.keys(b)) acc[n][k] = (acc[n][k] ?? 0) + b[k] - (a as any)[k]
}
for (const n of ['raw', 'krown']) console.log(n, Object.entries(acc[n]).map(([k, v]: any) => `${k} ${(v / 20).toFixed(1)}`).join('  '), '(us, or per 1000 commands)')
for (const r of raws) await r.close()
await gw[Symbol.asyncDispose](); await server.stop()
