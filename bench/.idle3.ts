import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { spawnSync, spawn } from 'node:child_process'
const server = await startBenchSshServer()
const { host, port, username, privateKey } = server
const c = spawn(process.execPath, ['--expose-gc', '--import', 'tsx', 'bench/lib/idle-holder.ts', JSON.stringify({ kind: process.argv[2], connections: 2000, idleMs: 5000, endpoint: { host, port, username, privateKey } })], { stdio: 'inherit' })
const t = setInterval(() => { try { const s = require('node:fs').readFileSync(`/proc/${c.pid}/status`, 'utf8'); } catch {} }, 1000)
import { readFileSync, readdirSync } from 'node:fs'
const u = setInterval(() => { try { const s = readFileSync(`/proc/${c.pid}/status`, 'utf8'); console.log(/RssAnon:\s+(\d+)/.exec(s)![1], /VmRSS:\s+(\d+)/.exec(s)![1], readdirSync(`/proc/${c.pid}/fd`).length) } catch {} }, 1000)
c.on('exit', async () => { clearInterval(t); clearInterval(u); await server.stop() })
