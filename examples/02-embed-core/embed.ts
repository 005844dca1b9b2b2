// Krown inside a program: run a command on another machine, with a journal that can be verified.
import { createKrown } from '@krown/core'
import { createTempDir } from '@krown/testkit/temp-dir'
import { exampleTarget } from '../support/example-target.js'

await using target = await exampleTarget()
await using data = await createTempDir()

// Ports other than 22 and 2222, and this machine itself, are refused unless they are allowed.
const outbound = { allowLoopback: true, adhocPorts: [] }
await using krown = await createKrown({ dataDir: data.path, ssh: { outbound } })
const client = krown.as(await krown.actors.system())

await using session = await client.sessions.open(target)
const command = await session.exec('echo "hello from $(uname -s)"')
console.log(command.status, command.exitCode, command.stdout?.trim())

const { items } = await client.journal.list()
for (const entry of items.toReversed()) console.log(entry.seq, entry.action, entry.outcome)
const { ok, entries } = await client.journal.verify()
console.log(ok ? `the chain of ${entries} entries is whole` : 'the chain is broken')
