import type { AddressInfo } from 'node:net'
import { type Krown, type KrownConfigInput, parseConfig } from '@krown/core'
import type { FastifyInstance } from 'fastify'
import { type Logger, pino } from 'pino'
import { createKrownServer } from '../../src/create-server.js'
import type { HttpLimits } from '../../src/transport/http.js'
import type { SocketSettings } from '../../src/transport/ws/socket-settings.js'

export interface TestServer extends AsyncDisposable {
  readonly app: FastifyInstance
  readonly port: number
  readonly url: string
  stop(): Promise<void>
}

export interface TestServerOptions {
  config?: KrownConfigInput
  http?: Partial<HttpLimits>
  sockets?: Partial<SocketSettings>
  logger?: Logger
}

/** A real server on a free port of 127.0.0.1 around `krown`, which stays the caller's. */
export async function startServer(krown: Krown, options: TestServerOptions = {}): Promise<TestServer> {
  const config = parseConfig({ ...options.config, server: { ...options.config?.server, port: 0 } })
  const logger = options.logger ?? pino({ level: 'silent' })
  const { http = {}, sockets = {} } = options
  const app = await createKrownServer({ krown, config, logger, http, sockets })
  await app.listen({ host: '127.0.0.1', port: 0 })
  const { port } = app.server.address() as AddressInfo
  const stop = async () => {
    app.server.closeAllConnections()
    await app.close()
  }
  return { app, port, url: `http://127.0.0.1:${port}`, stop, [Symbol.asyncDispose]: stop }
}
