// One program, first on the library and then on a server: only the line that makes the client differs.
import { createKrown } from '@krown/core'
import { createKrownClient, isKrownError, type KrownClient } from '@krown/sdk'
import { createTempDir } from '@krown/testkit/temp-dir'
import { exampleTarget } from '../support/example-target.js'
import { startGateway } from '../support/start-gateway.js'

await using target = await exampleTarget()

async function work(client: KrownClient): Promise<void> {
  const { host, port, username, auth } = target
  await using session = await client.sessions.open({ host, port, username, auth })
  const { stdout, exitCode } = await session.exec('echo executed')
  console.log(`  ${stdout?.trim()}, exit code ${exitCode}`)

  const stream = await session.stream('for part in one two; do echo part $part; done; exit 3')
  for await (const { data } of stream)
    process.stdout.write(`  ${Buffer.from(data)}`.replaceAll('\np', '\n  p'))
  console.log(`  ended with exit code ${(await stream.result).exitCode}`)

  try {
    await session.exec('true', { timeoutMs: -1 })
  } catch (error) {
    if (!isKrownError(error)) throw error
    console.log(`  ${error.code}: ${JSON.stringify(error.details)}`)
  }
}

console.log('in this process:')
{
  await using data = await createTempDir()
  const outbound = { allowLoopback: true, adhocPorts: [] }
  await using krown = await createKrown({ dataDir: data.path, ssh: { outbound } })
  await work(krown.as(await krown.actors.system()))
}

console.log('on a server:')
{
  await using directory = await createTempDir()
  await using gateway = await startGateway(directory.path)
  const credentials = { username: 'ada', password: 'correct horse battery' }
  await using client = createKrownClient({ url: gateway.url, credentials })
  await client.auth.register({ ...credentials, setupToken: gateway.setupToken })
  await work(client)
}
