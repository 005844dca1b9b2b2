import { setImmediate as turn } from 'node:timers/promises'
import type { CommandId, CommandSummary, SessionId } from '@krown/core'
import { type ExecHandler, type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { WebSocket } from 'ws'
import { call } from '../support/call.js'
import { type Gateway, type Person, startGateway } from '../support/gateway.js'
import {
  CommandAccount,
  type Json,
  SessionAccount,
  Verdict,
  type Watched,
} from '../support/many-clients/accounts.js'
import { Dice, diceOf, SEED } from '../support/many-clients/dice.js'
import { allPrints, CHATTY, COMMANDS_EACH, type Print, SESSIONS } from '../support/many-clients/prints.js'
import { Progress } from '../support/many-clients/progress.js'
import { connectTrpc } from '../support/trpc.js'

const CLIENTS = 300
const TRPC_CLIENTS = 20
const CHATTY_CLIENTS = 12
/** Every so many clients one comes only when everything is printed. */
const LATE_EVERY = 30

interface Started {
  readonly id: CommandId
  readonly sessionId: SessionId
  readonly print: Print
}

/** A client of `/ws` that is cut again and again, and each time goes on after the last number that it heard. */
class Client {
  cuts = 0
  readonly #accounts: readonly SessionAccount[]
  readonly #dice: Dice
  readonly #maxCuts: number
  #opened: () => void = () => {}
  /** It was there once. */
  readonly opened = new Promise<void>((resolve) => {
    this.#opened = resolve
  })

  constructor(accounts: readonly SessionAccount[], dice: Dice) {
    this.#accounts = accounts
    this.#dice = dice
    this.#maxCuts = dice.between(2, 6)
  }

  /** Resolves when all sessions that it watches have ended. */
  async watch(progress: Progress, isLate: boolean): Promise<void> {
    if (isLate) await progress.further(1)
    while (this.#left.length > 0) {
      await this.#connect()
      await this.#stayAway(progress)
    }
  }

  get #left(): SessionAccount[] {
    return this.#accounts.filter(({ ended }) => !ended)
  }

  async #stayAway(progress: Progress): Promise<void> {
    const kind = this.#dice.upTo(19)
    if (kind < 10) return
    await progress.further(this.#dice.upTo(100) / (kind < 17 ? 2000 : 250))
  }

  /** Until it is cut, or has heard everything. */
  #connect(): Promise<void> {
    const ws = new WebSocket(`${gateway.url.replace('http', 'ws')}/ws`)
    let left = this.#messagesUntilCut()
    return new Promise((resolve, reject) => {
      const end = (outcome: () => void) => {
        ws.removeAllListeners('message').removeAllListeners('close').once('close', outcome)
        ws.terminate()
      }
      const count = (messages: number) => {
        left -= messages
        if (this.#left.length === 0) return end(resolve)
        if (left > 0) return
        this.cuts += 1
        end(resolve)
      }
      ws.on('error', reject)
      ws.on('close', (code) => reject(new Error(`closed with ${code}`)))
      ws.on('open', () => {
        this.#opened()
        this.#introduce(ws)
        count(0)
      })
      ws.on('message', (data) => {
        const message: Json = JSON.parse(String(data))
        if (message.type === 'error') return end(() => reject(new Error(`refused: ${message.code}`)))
        this.#hear(message)
        count(1)
      })
    })
  }

  /** The first is early, so that it comes before the end for everybody. */
  #messagesUntilCut(): number {
    if (this.cuts === this.#maxCuts) return Number.POSITIVE_INFINITY
    return this.#dice.upTo(this.cuts === 0 ? 15 : 60)
  }

  #introduce(ws: WebSocket): void {
    ws.send(JSON.stringify({ type: 'authenticate', token: owner.token, protocol: 1 }))
    for (const { watched, seq } of this.#left)
      ws.send(JSON.stringify({ type: 'subscribe_session', sessionId: watched.id, after: seq }))
  }

  #hear(message: Json): void {
    const account = this.#accounts.find(({ watched }) => watched.id === message.sessionId)
    if (message.type === 'unsubscribed') account?.end()
    else if (message.type !== 'subscribed') account?.hear(message)
  }
}

/** The same over tRPC, whose client goes on by itself; beside the session it reads one command. */
async function watchByTrpc(account: SessionAccount, one: Started, verdict: Verdict) {
  await using socket = connectTrpc(gateway.url, () => owner.token)
  const dice = diceOf(20_000 + Number(account.who.match(/\d+/)?.[0]))
  let cuts = dice.between(2, 6)
  let left = dice.between(1, 15)
  const heard = () => {
    left -= 1
    if (left > 0 || cuts === 0) return
    cuts -= 1
    left = dice.between(1, 60)
    socket.cut()
  }
  const output = new CommandAccount(one.print, (what) => verdict.fault(`${account.who}, its command`, what))
  const { events } = socket.client.sessions
  const { output: outputOf } = socket.client.commands
  await Promise.all([
    new Promise<void>((resolve, reject) => {
      const onData = ({ data }: { data: object }) => {
        account.hear({ ...data })
        heard()
      }
      const input = { sessionId: account.watched.id, after: 0 }
      events.subscribe(input, { onData, onComplete: resolve, onError: reject })
    }),
    new Promise<void>((resolve, reject) => {
      const onData = ({ data }: { data: { type: string } }) => {
        const message: Json = { ...data }
        if (message.type === 'output') output.output(message)
        else if (message.type === 'gap') output.gap(message)
        else {
          output.finish(message.command as CommandSummary)
          // Nothing follows. Who stays, and is cut before the server said so too, is told of the end once more.
          reading.unsubscribe()
          resolve()
        }
        heard()
      }
      const reading = outputOf.subscribe({ commandId: one.id }, { onData, onError: reject })
    }),
  ])
  account.end()
  if (!output.finished) verdict.fault(account.who, 'its command did not finish')
}

const prints = allPrints()
const progress = new Progress([...prints.values()].reduce((sum, { bytes }) => sum + bytes.length, 0))
let target: HostileSshServer
let gateway: Gateway
let owner: Person

beforeAll(async () => {
  target = await startHostileSshServer({ onExec: (command, channel) => void print(command, channel) })
  gateway = await startGateway({
    targets: [target],
    config: { limits: { requestsPerActor: 100_000, socketsPerUser: 1000, socketsPerAddress: 1000 } },
    sockets: { authenticateWithinMs: 60_000 },
  })
  owner = await gateway.person('operator')
})
afterAll(async () => {
  await gateway[Symbol.asyncDispose]()
  await target.stop()
})

function printed(command: string): Print {
  const print = prints.get(command)
  if (!print) throw new Error(`nobody prints ${command}`)
  return print
}

/** Waits some turns of the event loop between two pieces: so a slow machine prints slowly, and clients keep up. */
async function print(command: string, channel: Parameters<ExecHandler>[1]): Promise<void> {
  const { bytes, stream, ends } = printed(command)
  const dice = new Dice(bytes.length)
  let from = 0
  for (const [index, end] of ends.entries()) {
    const isErr = stream === 'stderr' || (stream === null && index % 2 === 1)
    const to = isErr ? channel.stderr : channel
    const taken = new Promise((resolve) => to.write(bytes.subarray(from, end), resolve))
    if (stream !== null || index % 20 === 19) {
      await taken
      for (let turns = dice.between(1, 30); turns > 0; turns -= 1) await turn()
    }
    progress.add(end - from)
    from = end
  }
  channel.exit(0)
  channel.end()
}

async function openSession(index: number): Promise<Watched> {
  const { username, password, port } = target
  const body = { host: '127.0.0.1', port, username, auth: { method: 'password', password } }
  const answer = await call(gateway.url, 'POST /api/sessions', { token: owner.token, body })
  expect(answer.status).toBe(201)
  const numbers = Array.from({ length: COMMANDS_EACH }, (_, command) => index * COMMANDS_EACH + command)
  const lines = index === SESSIONS ? [CHATTY] : numbers.map((number) => `print ${number}`)
  const commands = new Map(lines.map((line) => [line, printed(line)]))
  return { id: answer.body.id as SessionId, commands }
}

async function startCommands({ id: sessionId, commands }: Watched): Promise<Started[]> {
  return Promise.all(
    [...commands].map(async ([command, print]) => {
      const body = { command, waitMs: 0 }
      const line = `POST /api/sessions/${sessionId}/execute`
      const answer = await call(gateway.url, line, { token: owner.token, body })
      expect(answer.status).toBeLessThan(300)
      return { id: answer.body.id as CommandId, sessionId, print }
    }),
  )
}

async function untilFinished({ id }: Started): Promise<void> {
  for (let status: unknown = 'running'; status === 'running'; ) {
    const { token } = owner
    const { body } = await call(gateway.url, `GET /api/commands/${id}?waitMs=30000`, { token })
    status = body.status
  }
}

/** One session or two; the chatty one is for a few. */
function watchedBy(index: number, dice: Dice, sessions: readonly Watched[]): Watched[] {
  const chosen = new Set([sessions[dice.upTo(SESSIONS - 1)], sessions[dice.upTo(SESSIONS - 1)]])
  if (dice.upTo(3) > 0) chosen.delete([...chosen][1])
  if (index < CHATTY_CLIENTS) chosen.add(sessions[SESSIONS])
  return [...chosen].filter((session) => session !== undefined)
}

test('300 clients, cut at random while 50 commands print: every byte or a gap that says so, nothing twice', {
  timeout: 120_000,
}, async () => {
  onTestFailed(() => console.error(`again with MANY_CLIENTS_SEED=${SEED}`))
  const verdict = new Verdict()
  const sessions = await Promise.all(Array.from({ length: SESSIONS + 1 }, (_, index) => openSession(index)))
  const clients = Array.from({ length: CLIENTS }, (_, index) => {
    const dice = diceOf(index)
    const watched = watchedBy(index, dice, sessions)
    return new Client(
      watched.map((session) => new SessionAccount(`client ${index}`, session, verdict)),
      dice,
    )
  })
  const isLate = (index: number) => index % LATE_EVERY === 0
  const watching = Promise.all(clients.map((client, index) => client.watch(progress, isLate(index))))
  const opened = clients.filter((_, index) => !isLate(index)).map((client) => client.opened)
  await Promise.race([watching, Promise.all(opened)])
  const commands = (await Promise.all(sessions.map(startCommands))).flat()
  const watchingByTrpc = Promise.all(
    Array.from({ length: TRPC_CLIENTS }, (_, index) => {
      const session = sessions[index % SESSIONS] as Watched
      const account = new SessionAccount(`tRPC client ${index}`, session, verdict)
      const own = commands.filter(({ sessionId }) => sessionId === session.id)
      return watchByTrpc(account, own[index % own.length] as Started, verdict)
    }),
  )
  const ending = (async () => {
    for (const command of commands) await untilFinished(command)
    for (const { id } of sessions)
      await call(gateway.url, `DELETE /api/sessions/${id}`, { token: owner.token })
  })()
  await Promise.all([watching, watchingByTrpc, ending])
  expect(verdict.faults.slice(0, 20)).toEqual([])
  expect(verdict.gaps).toBeGreaterThan(0)
  expect(clients.filter(({ cuts }) => cuts === 0)).toEqual([])
})
