import { randomInt } from 'node:crypto'
import { setImmediate as turn } from 'node:timers/promises'
import type { CommandId, CommandSummary, SessionId } from '@krown/core'
import { type ExecHandler, type HostileSshServer, startHostileSshServer } from '@krown/testkit'
import { afterAll, beforeAll, expect, onTestFailed, test } from 'vitest'
import { WebSocket } from 'ws'
import { call } from '../support/call.js'
import { type Gateway, type Person, startGateway } from '../support/gateway.js'
import { connectTrpc } from '../support/trpc.js'

type Json = Record<string, unknown>

/** Decides what is printed, who watches what, and who is cut when; how fast the machine is decides the rest. */
const SEED = Number(process.env.MANY_CLIENTS_SEED ?? randomInt(2 ** 31))
const CLIENTS = 300
const TRPC_CLIENTS = 20
/** Sessions of seven commands each, and one more whose only command changes its stream more often than is held. */
const SESSIONS = 7
const COMMANDS_EACH = 7
const CHATTY = 'print chatty'
const CHATTY_CLIENTS = 12
/** Every so many clients one comes only when everything is printed. */
const LATE_EVERY = 30
const HELD_BYTES = 128 * 1024
const PIECE_BYTES = 8 * 1024

/** The same numbers for the same seed (mulberry32). */
class Dice {
  #state: number

  constructor(seed: number) {
    this.#state = seed | 0
  }

  /** 0 to `max`, both included. */
  upTo(max: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0
    let value = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1)
    value ^= value + Math.imul(value ^ (value >>> 7), value | 61)
    return Math.floor((((value ^ (value >>> 14)) >>> 0) / 2 ** 32) * (max + 1))
  }

  between(min: number, max: number): number {
    return min + this.upTo(max - min)
  }
}

const diceOf = (index: number) => new Dice(SEED + Math.imul(index, 0x9e3779b9))

/** What one command prints. */
interface Print {
  readonly bytes: Buffer
  /** Null: each piece on the other stream than the one before. */
  readonly stream: 'stdout' | 'stderr' | null
  /** Where the target cuts it, characters or not. */
  readonly ends: readonly number[]
  /** It changes streams more often than the server holds: events are lost that nobody can tell apart any more. */
  readonly outlivesLog: boolean
}

/** Random text with characters of one to four bytes; with noise also bytes that are no text. */
function printOf(dice: Dice, size: number, noise: boolean): Print {
  const parts: Buffer[] = []
  for (let length = 0; length < size; ) {
    const kind = dice.upTo(noise ? 40 : 39)
    const text = kind < 5 ? '€'.repeat(dice.upTo(20)) : kind < 8 ? '\u{1d11e}ü' : ''
    const line = `${text}${dice.upTo(2 ** 30).toString(36)}\n`
    const part = kind === 40 ? Buffer.from([0xe2, 0x82, dice.upTo(255)]) : Buffer.from(line)
    parts.push(part)
    length += part.length
  }
  const ends: number[] = []
  for (let end = 0; end < size; ends.push(end)) end = Math.min(size, end + dice.between(1, size / 7))
  const stream = dice.upTo(3) === 0 ? 'stderr' : 'stdout'
  return { bytes: Buffer.concat(parts).subarray(0, size), stream, ends, outlivesLog: false }
}

/** The order of two streams is nobody's promise: it prints the same line on both. */
function chattyPrint(): Print {
  const line = 'the same line – on both streams\n'
  const bytes = Buffer.from(line.repeat(3000))
  const ends = Array.from({ length: 3000 }, (_, index) => (index + 1) * Buffer.byteLength(line))
  return { bytes, stream: null, ends, outlivesLog: true }
}

function allPrints(): Map<string, Print> {
  const prints = new Map([[CHATTY, chattyPrint()]])
  for (let index = 0; index < SESSIONS * COMMANDS_EACH; index += 1) {
    const dice = diceOf(10_000 + index)
    const isLarge = index % COMMANDS_EACH === 0
    const size = isLarge ? dice.between(200 * 1024, 300 * 1024) : dice.between(1024, 48 * 1024)
    prints.set(`print ${index}`, printOf(dice, size, dice.upTo(4) === 0))
  }
  return prints
}

/** How far all commands together are; who is away comes back when they have printed so much. */
class Progress {
  readonly total: number
  #bytes = 0
  #waiting: { at: number; resolve: () => void }[] = []

  constructor(total: number) {
    this.total = total
  }

  add(bytes: number): void {
    this.#bytes += bytes
    for (const { resolve } of this.#waiting.filter(({ at }) => at <= this.#bytes)) resolve()
    this.#waiting = this.#waiting.filter(({ at }) => at > this.#bytes)
  }

  /** @param fraction Of everything. */
  async further(fraction: number): Promise<void> {
    const at = Math.min(this.total, this.#bytes + fraction * this.total)
    if (at > this.#bytes) await new Promise<void>((resolve) => this.#waiting.push({ at, resolve }))
  }
}

/** What the clients were told: faults, and what an event of a number is, which must be the same for all. */
class Verdict {
  readonly faults: string[] = []
  gaps = 0
  readonly #events = new Map<string, string>()

  fault(who: string, what: string): void {
    this.faults.push(`${who}: ${what}`)
  }

  sameForAll(who: string, number: string, event: string): void {
    const known = this.#events.get(number) ?? event
    this.#events.set(number, known)
    if (known !== event) this.fault(who, `${number} is ${event}, for another it is ${known}`)
  }
}

/** What one client was told about the output of one command. */
class CommandAccount {
  readonly #print: Print
  readonly #fault: (what: string) => void
  #end = 0
  #finished = false

  constructor(print: Print, fault: (what: string) => void) {
    this.#print = print
    this.#fault = fault
  }

  output({ offset, data, encoding, stream }: Json): void {
    this.#follows(Number(offset))
    const bytes = Buffer.from(String(data), encoding as BufferEncoding)
    const { bytes: printed, stream: expected } = this.#print
    if (bytes.length === 0) this.#fault('an empty piece')
    if (stream !== (expected ?? stream)) this.#fault(`${stream} instead of ${expected}`)
    if (!bytes.equals(printed.subarray(this.#end, this.#end + bytes.length)))
      this.#fault(`wrong bytes from ${offset} on`)
    this.#end += bytes.length
  }

  /** Only what came before the newest bytes may be missing, up to the piece that they begin in. */
  gap({ fromOffset, toOffset }: Json): void {
    this.#follows(Number(fromOffset))
    const to = Number(toOffset)
    const { bytes, outlivesLog } = this.#print
    if (to <= this.#end) this.#fault(`a gap of nothing at ${fromOffset}`)
    if (!outlivesLog && to > bytes.length - HELD_BYTES + PIECE_BYTES)
      this.#fault(`a gap up to ${to}, which was held: it printed ${bytes.length}`)
    this.#end = to
  }

  /** Events are missing, and nobody knows which. */
  skipTo(offset: number): void {
    if (offset < this.#end) this.#fault(`${offset} after a gap, but ${this.#end} was reached`)
    this.#end = Math.max(this.#end, offset)
  }

  finish({ status, exitCode, stdoutBytes, stderrBytes }: CommandSummary): void {
    if (this.#finished) this.#fault('finished twice')
    this.#finished = true
    if (status !== 'completed' || exitCode !== 0) this.#fault(`${status} with exit code ${exitCode}`)
    if (stdoutBytes + stderrBytes !== this.#print.bytes.length) this.#fault('not all of it was counted')
    if (this.#end !== this.#print.bytes.length)
      this.#fault(`finished at ${this.#end} of ${this.#print.bytes.length}`)
  }

  get finished(): boolean {
    return this.#finished
  }

  #follows(offset: number): void {
    if (this.#finished) this.#fault('something after the end')
    if (offset !== this.#end) this.#fault(`${offset} follows ${this.#end}`)
  }
}

/** A session, and what its commands print. */
interface Watched {
  readonly id: SessionId
  readonly commands: ReadonlyMap<string, Print>
}

interface Started {
  readonly id: CommandId
  readonly sessionId: SessionId
  readonly print: Print
}

/** What one client was told about one session. */
class SessionAccount {
  readonly who: string
  readonly watched: Watched
  seq = 0
  ended = false
  readonly #verdict: Verdict
  readonly #commands = new Map<string, CommandAccount>()
  /** Whose next piece may begin later than the one before ended. */
  readonly #blind = new Set<CommandAccount>()

  constructor(who: string, watched: Watched, verdict: Verdict) {
    this.who = `${who}, session ${watched.id.slice(-4)}`
    this.watched = watched
    this.#verdict = verdict
  }

  hear(message: Json): void {
    const first = Number(message.type === 'gap' ? message.fromSeq : message.seq)
    if (first !== this.seq + 1) this.#fault(`${message.type} ${first} follows ${this.seq}`)
    if (message.type === 'gap' && message.seq !== message.toSeq) this.#fault('a gap that ends elsewhere')
    this.seq = Number(message.seq)
    if (message.type === 'command_output') this.#output(message)
    else if (message.type === 'gap') this.#gap(message)
    else this.#lifecycle(message)
  }

  /** Called when nothing more will come. */
  end(): void {
    this.ended = true
    const finished = [...this.#commands.values()].filter((command) => command.finished).length
    if (finished !== this.watched.commands.size) this.#fault(`${finished} commands finished`)
  }

  #lifecycle({ type, seq, command, session }: Json): void {
    const { id, command: line } = (command ?? {}) as CommandSummary
    const { status } = (session ?? {}) as Json
    this.#verdict.sameForAll(this.who, this.#number(seq), `${type} ${id ?? status}`)
    if (type === 'command_started') this.#start(id, line)
    if (type !== 'command_finished') return
    const account = this.#find(id)
    if (account && this.#blind.delete(account))
      account.skipTo(this.watched.commands.get(line)?.bytes.length ?? 0)
    account?.finish(command as CommandSummary)
  }

  #start(id: string, line: string): void {
    const print = this.watched.commands.get(line)
    if (!print || this.#commands.has(id)) this.#fault(`${line} started`)
    else this.#commands.set(id, new CommandAccount(print, (what) => this.#fault(`${line}: ${what}`)))
  }

  #output(message: Json): void {
    const { seq, commandId, offset, stream, data, encoding } = message
    const event = `${commandId} ${stream} ${offset} ${encoding} ${String(data).length}`
    this.#verdict.sameForAll(this.who, this.#number(seq), event)
    const command = this.#find(String(commandId))
    if (command && this.#blind.delete(command)) command.skipTo(Number(offset))
    command?.output(message)
  }

  #gap(message: Json): void {
    this.#verdict.gaps += 1
    if (message.commandId === undefined) {
      for (const command of this.#commands.values()) this.#blind.add(command)
      if (![...this.watched.commands.values()].some(({ outlivesLog }) => outlivesLog))
        this.#fault(`events ${message.fromSeq} to ${message.toSeq} are missing, and were held`)
      return
    }
    const command = this.#find(String(message.commandId))
    if (command && this.#blind.delete(command)) command.skipTo(Number(message.fromOffset))
    command?.gap(message)
  }

  #find(id: string): CommandAccount | undefined {
    const command = this.#commands.get(id)
    if (!command) this.#fault(`${id} did not start`)
    return command
  }

  #number(seq: unknown): string {
    return `${this.watched.id} ${seq}`
  }

  #fault(what: string): void {
    this.#verdict.fault(this.who, what)
  }
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
        else output.finish(message.command as CommandSummary)
        heard()
      }
      outputOf.subscribe({ commandId: one.id }, { onData, onComplete: resolve, onError: reject })
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
