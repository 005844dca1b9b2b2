// Output as it arrives, input while the command runs, and an end before its time.
import { createKrown } from '@krown/core'
import { createTempDir } from '@krown/testkit/temp-dir'
import { exampleTarget } from '../support/example-target.js'

await using target = await exampleTarget()
await using data = await createTempDir()
const outbound = { allowLoopback: true, adhocPorts: [] }
await using krown = await createKrown({ dataDir: data.path, ssh: { outbound } })
const client = krown.as(await krown.actors.system())
await using session = await client.sessions.open(target)

// Chunks come in the order in which they arrived; reading slowly slows the command down, nothing is lost.
const build = await session.stream(
  'for step in fetch compile test; do echo $step; done; echo "1 warning" >&2',
)
for await (const { stream, offset, data: bytes } of build)
  console.log(`${stream} at ${offset}: ${JSON.stringify(Buffer.from(bytes).toString())}`)
const { status, exitCode, stdoutBytes, stderrBytes } = await build.result
console.log(`${status}, exit code ${exitCode}, ${stdoutBytes} + ${stderrBytes} bytes`)

// With `stdinOpen` the input stays open until `closeStdin`.
const sort = await session.stream('sort', { stdinOpen: true })
for (const fruit of ['pear', 'apple', 'fig']) await sort.write(`${fruit}\n`)
await sort.closeStdin()
const sorted: Uint8Array[] = []
for await (const chunk of sort) sorted.push(chunk.data)
console.log(Buffer.concat(sorted).toString().trim().split('\n').join(' < '))

// A stream has no timeout but the longest that is allowed: whoever started it can cancel it.
const endless = await session.stream('while :; do echo tick; sleep 1; done')
for await (const _chunk of endless) break
const cancelled = await endless.cancel()
console.log(`${cancelled.status}, signal ${cancelled.signal}, end ${cancelled.killed}`)
