import { spawn } from 'node:child_process'
import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { RawConnection } from './lib/raw-ssh.js'
import { runBurst } from './lib/burst.js'
import { Gateway } from './lib/gateway.js'
const server = await startBenchSshServer()
const gw = await Gateway.start({ endpoint: server })
const execs: any[] = []
for (let i = 0; i < 32; i++) { if (process.env.RAW) { const r = await RawConnection.open(server); execs.push((c: string) => r.exec(c)) } else { const s = await gw.open(); execs.push((c: string) => s.exec(c)) } }
for (let i = 0; i < 6; i++) await runBurst(execs, 2000)
const p = spawn('perf', ['record', '-e', 'cpu-clock', '-F', '4000', '--call-graph', 'fp', '-t', String(process.pid), '-o', '/tmp/kb/perf.data'], { stdio: 'inherit' })
await new Promise((r) => setTimeout(r, 500))
for (let i = 0; i < 6; i++) console.log(await runBurst(execs, 2000))
p.kill('SIGINT'); await new Promise((r) => p.on('exit', r))
process.exit()
