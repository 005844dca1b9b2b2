import { mainThreadCpuMs } from './lib/main-thread.js'
import { createTempDir } from '@krown/testkit/temp-dir'
import { createKrown } from '@krown/core'
import { Session } from 'node:inspector/promises'
import { writeFileSync } from 'node:fs'
const dir = await createTempDir()
const out = Buffer.from('krown\n')
const connection = () => ({ hostKey: { fingerprint: 'SHA256:x', algorithm: 'ssh-ed25519', blob: Buffer.alloc(0) }, closedBecause: null, closed: new Promise<never>(() => {}), async close() {},
  exec(_c: string, sink: any) { const ch = { pause() {}, resume() {}, async write() {}, endInput() {}, signal() {}, close() {} }; setImmediate(() => { sink.data('stdout', out); sink.end({ exitCode: 0, signal: null, error: null }) }); return Promise.resolve(ch) } })
const krown = await createKrown({ dataDir: dir.path, auth: { jwtSecret: 'x'.repeat(20) + 'fjdkslajfkdlsajfkldsa' }, ssh: { maxSessionsPerUser: 100, outbound: { allow: ['127.0.0.1:22'] } } }, { sshConnector: { async connect(r: any) { return connection() }, async [Symbol.asyncDispose]() {} } as never })
const actor = await krown.actors.external({ issuer: 'b', subject: 'b', displayName: 'b', role: 'operator' })
const client = krown.as(actor)
const ss = []; for (let i = 0; i < 32; i++) ss.push(await client.sessions.open({ host: '127.0.0.1', port: 22, username: 'x', auth: { method: 'password', password: 'x' } }))
let left = 0
async function worker(i: number) { while (left-- > 0) await ss[i % 32]!.exec('echo krown') }
const cpus: number[] = []
const run = async () => { left = 2000; const c = mainThreadCpuMs(); await Promise.all(Array.from({ length: 64 }, (_, i) => worker(i))); return (mainThreadCpuMs() - c) / 2 }
for (let r = 0; r < 5; r++) await run()
if (process.env.PROF) {
  const insp = new Session(); insp.connect()
  await insp.post('Profiler.enable'); await insp.post('Profiler.setSamplingInterval', { interval: 100 }); await insp.post('Profiler.start')
  for (let i = 0; i < 6; i++) await run()
  const { profile } = await insp.post('Profiler.stop')
  writeFileSync('/tmp/kb/p.cpuprofile', JSON.stringify(profile))
}
for (let r = 0; r < 15; r++) cpus.push(await run())
cpus.sort((a, b) => a - b); console.log('krown without ssh, us/command: median', cpus[7]!.toFixed(1), 'p25', cpus[3]!.toFixed(1), 'min', cpus[0]!.toFixed(1))
await krown.close(); await dir.stop()
