// Run as a process of its own by `gateway-process.ts`. Plain JavaScript on the built package: that starts fast.
import { once } from 'node:events'
import { createKrown, systemClock } from '@krown/core'

/** @type {import('./gateway-process.js').GatewayOrder} */
const order = JSON.parse(process.argv[2] ?? '')
const report = (said) => process.send?.(said)

async function start() {
  report({ kind: 'loaded' })
  await once(process, 'message')
  const clock = { ...systemClock, now: () => systemClock.now() + order.clockAheadMs }
  const krown = await createKrown(order.config, { clock })
  const identity = { issuer: 'test', subject: 'operator', displayName: 'operator', role: 'operator' }
  return { krown, client: krown.as(await krown.actors.external(identity)) }
}

/** One command after the other; every text is used once in the life of the database. */
async function keepBusy(session, worker) {
  for (let i = 0; ; i += 1) {
    const { id, status, stdoutBytes } = await session.exec(`echo ${order.name}.${worker}.${i}`)
    report({ kind: 'answered', id, status })
    report({ kind: 'shown', id, bytes: stdoutBytes })
  }
}

/** Reads along with one command after the other, and tells what was on its screen before it goes on. */
async function keepLooking(session) {
  for (;;) {
    const stream = await session.stream('flood-stdout 200000')
    for await (const { offset, data } of stream) {
      report({ kind: 'shown', id: stream.commandId, bytes: offset + data.length })
    }
  }
}

async function stayBusy({ sessions, inFlight }) {
  // Whoever should end this process may be gone first.
  process.once('disconnect', () => process.exit(1))
  const { client } = await start()
  const work = async (_, n) => {
    const session = await client.sessions.open(order.login)
    const hanging = session.exec(`hang ${order.name}.${n}`)
    const workers = Array.from({ length: inFlight - 1 }, (_, i) => keepBusy(session, `${n}.${i}`))
    await Promise.all([hanging, keepLooking(session), ...workers])
  }
  await Promise.all(Array.from({ length: sessions }, work))
}

/** Leaves a session open and a command running, and does nothing to end the process but close. */
async function comeAndGo() {
  const { krown, client } = await start()
  const session = await client.sessions.open(order.login)
  const { id, status } = await session.exec(`echo ${order.name}`)
  report({ kind: 'answered', id, status })
  await client.commands.start({ sessionId: session.id, command: `hang ${order.name}` })
  await krown.close()
}

await (order.act === 'stay-busy' ? stayBusy(order) : comeAndGo())
