import { mainThreadCpuMs } from './lib/main-thread.js'
import { createTempDir } from '@krown/testkit/temp-dir'
import { openSqlite } from '../packages/core/src/db/open-sqlite.js'
import { Journal } from '../packages/core/src/journal/journal.js'
import { systemClock } from '../packages/core/src/base/clock.js'
import { newId } from '../packages/core/src/base/ids.js'
import { insertCommandQuery, finishCommandQuery } from '../packages/core/src/db/repositories/command.repository.js'
import { sealEntry, GENESIS } from '../packages/core/src/journal/entry.js'
const dir = await createTempDir()
const database = await openSqlite({ file: dir.path + '/x.db', exclusive: true })
await database.migrate('auto')
const journal = new Journal({ database, clock: systemClock, newId })
const { sql } = await import('../packages/core/node_modules/kysely/dist/esm/index.js')
await sql`pragma foreign_keys = off`.execute(database.db)
const orgId = newId() as never, userId = newId() as never, sessionId = newId() as never, nodeId = newId() as never
const actor = { kind: 'external' as const, userId, username: 'operator', clientIp: null }
const digest = 'a'.repeat(64)
function intent(id: any) { return { id, org_id: orgId, session_id: sessionId, user_id: userId, node_id: nodeId, command: 'echo krown', request_digest: digest, status: 'running' as const, stdout_bytes: 0, stderr_bytes: 0, stdout_truncated: 0 as const, stderr_truncated: 0 as const, started_at: Date.now() } }
const result = { status: 'completed' as const, exit_code: 0, signal: null, error_code: null, stdout_bytes: 6, stderr_bytes: 0, stdout_truncated: 0 as const, stderr_truncated: 0 as const, stdout_sha256: digest, stderr_sha256: null, killed: null, finished_at: Date.now(), duration_ms: 3 }
const started = (id: string) => ({ action: 'command.started', outcome: 'success' as const, actor, resource: { kind: 'command', id }, facts: { sessionId, timeoutMs: 300000, stdinBytes: 0, hostKeyFingerprint: 'SHA256:' + 'x'.repeat(43) }, details: { command: 'echo krown', host: '127.0.0.1', port: 22, targetUsername: 'bench' } })
const finished = (id: string) => ({ action: 'command.finished', outcome: 'success' as const, actor, resource: { kind: 'command', id }, facts: { sessionId, status: 'completed', exitCode: 0, signal: null, errorCode: null, stdoutBytes: 6, stderrBytes: 0, stdoutSha256: digest, stderrSha256: null, killed: null, durationMs: 3 } })
let left = 0
async function worker() { while (left-- > 0) { const id = newId(); await journal.write(orgId, [insertCommandQuery(database.db, orgId, intent(id)).compile()], [started(id)]); await journal.write(orgId, [finishCommandQuery(database.db, orgId, { id: id as never, set: result }).compile()], [finished(id)]) } }
const cpus: number[] = [], rates: number[] = []
for (let r = 0; r < 20; r++) { left = 2000; const c = mainThreadCpuMs(), t = performance.now(); await Promise.all(Array.from({ length: 64 }, worker)); if (r > 4) { cpus.push((mainThreadCpuMs() - c) / 2); rates.push(2000 / (performance.now() - t) * 1000) } }
cpus.sort((a, b) => a - b); rates.sort((a, b) => a - b)
console.log('journal per command us: median', cpus[7]!.toFixed(1), 'min', cpus[0]!.toFixed(1), 'rate', rates[7]!.toFixed(0))
const time = (n: string, f: () => void) => { for (let i = 0; i < 20000; i++) f(); const c = mainThreadCpuMs(); for (let i = 0; i < 40000; i++) f(); console.log(n, ((mainThreadCpuMs() - c) / 40).toFixed(2), 'us') }
const id = newId()
const place = { orgId, prev: GENESIS, id: newId() as never, at: Date.now() }
const cS = insertCommandQuery(database.db, orgId, intent(id)).compile()
time('compile insert', () => insertCommandQuery(database.db, orgId, intent(id)).compile())
time('compile finish', () => finishCommandQuery(database.db, orgId, { id: id as never, set: result }).compile())
time('seal started', () => sealEntry(started(id), place))
time('seal finished', () => sealEntry(finished(id), place))
const { randomBytes, hash } = await import('node:crypto')
time('randomBytes hex', () => randomBytes(16).toString('hex'))
const canonicalize = (await import('../packages/core/node_modules/canonicalize/lib/canonicalize.js')).default as any
const row = sealEntry(finished(id), place); const obj = JSON.parse(row.text)
time('canonicalize finished', () => canonicalize(obj))
time('JSON.stringify finished', () => JSON.stringify(obj))
time('hash text', () => hash('sha256', row.text, 'hex'))
time('newId', () => newId())
const { insertEntriesQuery } = await import('../packages/core/src/db/repositories/journal.repository.js')
time('compile entry', () => insertEntriesQuery(database.db, orgId, [row]).compile())
const e = insertEntriesQuery(database.db, orgId, [row]).compile()
const batch = { units: Array.from({ length: 32 }, () => [{ sql: cS.sql, parameters: cS.parameters }]), tail: Array.from({ length: 32 }, () => ({ sql: e.sql, parameters: e.parameters })) }
const { serialize } = await import('node:v8')
time('structured clone of unit+entry (v8.serialize/32)', (() => { let i = 0; return () => { if (i++ % 32 === 0) serialize(batch) } })())
time('JSON of unit+entry', (() => { let i = 0; return () => { if (i++ % 32 === 0) JSON.stringify(batch) } })())
const batch2 = { units: batch.units.map((u) => u.map((s) => [1, s.parameters])), tail: batch.tail.map((s) => [2, s.parameters]) }
time('JSON of unit+entry, sql ids', (() => { let i = 0; return () => { if (i++ % 32 === 0) JSON.stringify(batch2) } })())
time('clone of unit+entry, sql ids', (() => { let i = 0; return () => { if (i++ % 32 === 0) serialize(batch2) } })())
await database[Symbol.asyncDispose](); await dir.stop()
