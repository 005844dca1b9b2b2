import { reportIdle } from './lib/idle-report.js'
for (const kind of ['raw', 'raw', 'krown'] as const) console.log(kind, await reportIdle({ kind, connections: 2000, idleMs: 10000 }))
