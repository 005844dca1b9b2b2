import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { RawConnection } from './lib/raw-ssh.js'
const server = await startBenchSshServer()
const a: any[] = process.env.KEEP ? [] : { push() {} } as any
let left = 2000
const work = async () => { for (; left > 0; left -= 1) { a.push(await RawConnection.open(server)) } }
const p = () => { globalThis.gc?.(); const m = process.memoryUsage(); console.log((m.rss / 1024).toFixed(0), (m.heapUsed / 1024).toFixed(0), (m.external / 1024).toFixed(0), process.getActiveResourcesInfo().filter((x) => x === 'TCPSocketWrap').length) }
p(); await new Promise((r) => setTimeout(r, 1000)); p()
await Promise.all(Array.from({ length: 8 }, work))
p(); await new Promise((r) => setTimeout(r, 1000)); p(); await new Promise((r) => setTimeout(r, 1000)); p()
process.exit()
