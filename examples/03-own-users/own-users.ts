// The program already knows its people: it vouches for them, and adds a rule of its own that can only deny.
import { type Authorize, createKrown, isKrownError, type KrownClient } from '@krown/core'
import { createTempDir } from '@krown/testkit/temp-dir'
import { exampleTarget } from '../support/example-target.js'

const onDuty = new Set(['Ada'])
const authorize: Authorize = (actor, permission) =>
  permission !== 'session:execute' || actor.kind === 'system' || onDuty.has(actor.username)

await using target = await exampleTarget()
await using data = await createTempDir()
const outbound = { allowLoopback: true, adhocPorts: [] }
await using krown = await createKrown({ dataDir: data.path, ssh: { outbound } }, { authorize })

// Known by issuer and subject: at each call the name and the role become what the program says now.
const person = async (subject: string, displayName: string, role: 'operator' | 'readonly') =>
  krown.as(await krown.actors.external({ issuer: 'https://login.example.com', subject, displayName, role }))

const ada = await person('u-17', 'Ada', 'operator')
const bob = await person('u-18', 'Bob', 'operator')
const eve = await person('u-19', 'Eve', 'readonly')

const session = await ada.sessions.open(target)
const command = await session.exec('id -un')
console.log(`Ada: ${command.status}, exit code ${command.exitCode}`)

console.log(`Bob in a session of his own: ${await answerTo(() => openAndRun(bob))}`)
console.log(`Bob looks at the session of Ada: ${await answerTo(() => bob.sessions.get(session.id))}`)
console.log(`Eve: ${await answerTo(() => eve.sessions.open(target))}`)

// Every refusal has an entry, with the name of the person.
const journal = krown.as(await krown.actors.system()).journal
const { items } = await journal.list({ outcome: 'denied' })
for (const { seq, details, facts } of items.toReversed())
  console.log(`${seq}: ${details?.username} was refused ${facts.permission} with ${facts.code}`)

async function openAndRun(client: KrownClient) {
  await using own = await client.sessions.open(target)
  await own.exec('id -un')
}

async function answerTo(work: () => Promise<unknown>): Promise<string> {
  try {
    await work()
    return 'done'
  } catch (error) {
    if (isKrownError(error)) return `${error.code}, ${error.message}`
    throw error
  }
}
