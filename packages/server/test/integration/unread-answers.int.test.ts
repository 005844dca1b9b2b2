import type { Socket } from 'node:net'
import { waitFor } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { examples } from '../../scripts/openapi-examples.js'
import { type FakeParts, fakeKrown, TOKEN } from '../support/fake-krown.js'
import { RawSocket } from '../support/raw-socket.js'
import { startServer, type TestServer, type TestServerOptions } from '../support/start-server.js'

const MIB = 1024 * 1024
const ASKED = 100
/** Of one user, and what comes in one go above it. */
const ROOM = 24 * MIB

const { input: { commandId } = {}, output: command } = examples['commands.get']
const question = { method: 'query', params: { path: 'commands.get', input: { commandId } } }
const authenticate = { type: 'authenticate', token: TOKEN, protocol: 1 }

/** A question on each door that is answered with a mebibyte. */
const DOORS = {
  '/ws': {
    path: '/ws',
    begin: (socket: RawSocket) => socket.send({ ...authenticate, id: 0 }),
    ask: (id: number) => ({ ...authenticate, id }),
  },
  '/trpc': {
    path: '/trpc?connectionParams=1',
    begin: (socket: RawSocket) =>
      socket.send({ method: 'connectionParams', data: { token: TOKEN } }, { ...question, id: 0 }),
    ask: (id: number) => ({ ...question, id }),
  },
}
type Door = keyof typeof DOORS

/** A server that gives long answers, and what it made of them. */
class LongAnswers implements AsyncDisposable {
  readonly server: TestServer
  readonly streams: Socket[] = []
  /** The most that ever waited in the server to be sent, bytes. */
  mostBuffered = 0

  private constructor(server: TestServer) {
    this.server = server
    server.app.server.on('connection', (stream: Socket) => this.streams.push(stream))
  }

  static async start(sockets: TestServerOptions['sockets']): Promise<LongAnswers> {
    const text = 'x'.repeat(MIB)
    let answers: LongAnswers | undefined
    const get = async () => {
      answers?.measure()
      return { ...(command as object), stdout: text } as never
    }
    const me = async () => {
      answers?.measure()
      return { username: text } as never
    }
    const client: FakeParts['client'] = { commands: { get }, auth: { me } }
    const server = await startServer(fakeKrown({ client }), { sockets: { sweepEveryMs: 50, ...sockets } })
    answers = new LongAnswers(server)
    return answers
  }

  measure(): void {
    const buffered = this.streams.reduce((sum, { writableLength }) => sum + writableLength, 0)
    this.mostBuffered = Math.max(this.mostBuffered, buffered)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server.stop()
  }
}

async function open(answers: LongAnswers, door: Door): Promise<RawSocket> {
  const socket = await RawSocket.connect(answers.server.url, DOORS[door].path)
  DOORS[door].begin(socket)
  await socket.until(({ id }) => id === 0)
  return socket
}

describe.each(Object.keys(DOORS) as Door[])('answers on %s', (door) => {
  const askAll = (socket: RawSocket) => {
    for (let id = 1; id <= ASKED; id += 1) socket.send(DOORS[door].ask(id))
  }

  test('D10: that nobody reads stay within bounds, and who leaves them is cut off', async () => {
    await using answers = await LongAnswers.start({ stallMs: 500, closeWithinMs: 100 })
    await using socket = await open(answers, door)
    socket.ws.pause()
    askAll(socket)
    const isCutOff = () => {
      answers.measure()
      return answers.streams.every(({ destroyed }) => destroyed)
    }
    await waitFor(isCutOff, { what: 'the socket to be cut off', timeoutMs: 15_000 })
    expect(answers.mostBuffered).toBeGreaterThan(MIB)
    expect(answers.mostBuffered).toBeLessThan(ROOM)
  })

  test('D10: that nobody reads have their end also while the peer goes on talking', async () => {
    await using answers = await LongAnswers.start({ stallMs: 500, closeWithinMs: 100 })
    await using socket = await open(answers, door)
    socket.ws.pause()
    askAll(socket)
    const isCutOff = () => {
      socket.ws.ping()
      return answers.streams.every(({ destroyed }) => destroyed)
    }
    await waitFor(isCutOff, { what: 'the socket to be cut off', timeoutMs: 15_000 })
  })

  test('D10: that were left for a while are all given when they are read again', async () => {
    await using answers = await LongAnswers.start({ pingAfterMs: 100, pongWithinMs: 200 })
    await using socket = await open(answers, door)
    socket.ws.pause()
    askAll(socket)
    await waitFor(() => answers.streams.some(({ writableLength }) => writableLength > MIB), {
      what: 'answers to wait',
    })
    socket.ws.resume()
    await socket.until(({ id }) => id === ASKED)
    await waitFor(() => socket.heard.length === ASKED + 1, { what: 'every answer' })
    expect(new Set(socket.heard.map(({ id }) => id)).size).toBe(ASKED + 1)
  })
})
