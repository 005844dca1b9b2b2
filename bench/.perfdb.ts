import { readFileSync, readdirSync } from 'node:fs'
import { spawn } from 'node:child_process'
import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { runBurst } from './lib/burst.js'
import { Gateway } from './lib/gateway.js'
const server = await startBenchSshServer()
const gw = await Gateway.start({ endpoint: server })
const execs: any[] = []
for (let i = 0; i < 32; i++) { const s = await gw.open(); execs.push((c: string) => s.exec(c)) }
const cpu = (t: string) => Number(readFileSync(`/proc/${process.pid}/task/${t}/schedstat`, 'utf8').split(' ')[0])
for (let i = 0; i < 3; i++) await runBurst(execs, 2000)
const tid = readdirSync(`/proc/${process.pid}/task`).filter((t) => t !== String(process.pid)).sort((a, b) => cpu(b) - cpu(a))[0]!
const p = spawn('perf', ['record', '-e', 'cpu-clock', '-F', '4000', '-t', tid, '-o', '/tmp/kb/perf.data'], { stdio: 'ignore' })
await new Promise((r) => setTimeout(r, 500))
for (let i = 0; i < 5; i++) await runBurst(execs, 2000)
p.kill('SIGINT'); await new Promise((r) => p.on('exit', r))
process.exit()
