import v8 from 'node:v8'
import { readFileSync } from 'node:fs'
import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { runBurst } from './lib/burst.js'
import { Gateway } from './lib/gateway.js'
const server = await startBenchSshServer()
const gw = await Gateway.start({ endpoint: server })
const execs: any[] = []
for (let i = 0; i < 32; i++) { const s = await gw.open(); execs.push((c: string) => s.exec(c)) }
await runBurst(execs, 200); globalThis.gc!(); const a = process.memoryUsage()
await runBurst(execs, 4000); globalThis.gc!(); const b = process.memoryUsage()
console.log('per command retained: heap', (b.heapUsed - a.heapUsed) / 4000, 'external', (b.external - a.external) / 4000, 'arrayBuffers', (b.arrayBuffers - a.arrayBuffers) / 4000)
v8.writeHeapSnapshot('/tmp/kb/s.heapsnapshot')
const s = JSON.parse(readFileSync('/tmp/kb/s.heapsnapshot', 'utf8'))
const f = s.snapshot.meta.node_fields, nf = f.length, types = s.snapshot.meta.node_types[0]
const m = new Map<string, [number, number]>()
for (let i = 0; i < s.nodes.length; i += nf) { const k = types[s.nodes[i]] + ' ' + String(s.strings[s.nodes[i + 1]]).slice(0, 40); const e = m.get(k) ?? [0, 0]; e[0]++; e[1] += s.nodes[i + 3]; m.set(k, e) }
for (const [k, [n, z]] of [...m].filter(([, [n]]) => n >= 3800).sort((x, y) => y[1][1] - x[1][1]).slice(0, 50)) console.log((n / 4200).toFixed(2).padStart(7), (z / 4200).toFixed(0).padStart(7), k)
process.exit()
