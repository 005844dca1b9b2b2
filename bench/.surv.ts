import { Session } from 'node:inspector/promises'
import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { RawConnection } from './lib/raw-ssh.js'
import { runBurst } from './lib/burst.js'
import { Gateway } from './lib/gateway.js'
const server = await startBenchSshServer()
const gw = await Gateway.start({ endpoint: server })
const execs: any[] = []
for (let i = 0; i < 32; i++) { if (process.env.RAW) { const r = await RawConnection.open(server); execs.push((c: string) => r.exec(c)) } else { const s = await gw.open(); execs.push((c: string) => s.exec(c)) } }
for (let i = 0; i < 3; i++) await runBurst(execs, 2000)
const insp = new Session(); insp.connect()
await insp.post('HeapProfiler.startSampling', { samplingInterval: 4096, includeObjectsCollectedByMajorGC: true, includeObjectsCollectedByMinorGC: false } as never)
const N = 4000
await runBurst(execs, N)
const { profile } = await insp.post('HeapProfiler.stopSampling')
const self = new Map<string, number>(); const incl = new Map<string, number>(); let total = 0
const walk = (n: any, path: string[]) => { const k = `${n.callFrame.functionName || '(anon)'} ${n.callFrame.url.replace(/.*node_modules\//, '').replace(/.*\/repo\//, '')}:${n.callFrame.lineNumber + 1}`; const own = n.selfSize; total += own; self.set(k, (self.get(k) ?? 0) + own); const p = path.includes(k) ? path : [...path, k]; for (const q of p) incl.set(q, (incl.get(q) ?? 0) + own); for (const c of n.children) walk(c, p) }
walk(profile.head, [])
console.log('bytes per command', (total / N).toFixed(0))
for (const [t, m] of [['self', self], ['incl', incl]] as const) { console.log('---', t); for (const [k, v] of [...m].sort((a, b) => b[1] - a[1]).slice(0, 40)) console.log((v / N).toFixed(0).padStart(8), k) }
process.exit()
