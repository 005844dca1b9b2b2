import { startBenchSshServer } from '@krown/testkit/start-bench-ssh-server'
import { RawConnection } from './lib/raw-ssh.js'
const server = await startBenchSshServer()
const a = []
const t = performance.now()
for (let i = 0; i < 300; i++) { a.push(await RawConnection.open(server)); if (i % 50 === 0) { globalThis.gc?.(); console.log(i, process.memoryUsage.rss() / 1024, (performance.now() - t).toFixed(0), process.getActiveResourcesInfo().filter((x) => x === 'TCPSocketWrap').length) } }
console.log(await a[0]!.exec('echo x'))
process.exit()
