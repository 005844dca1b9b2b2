import { Readable } from 'node:stream'
import {
  type Actor,
  DEFAULT_RECORDING_FORMAT,
  type DownloadRecordingOptions,
  downloadRecordingShape,
  type Krown,
  RECORDING_FILES,
  type RecordingId,
  recordingFileName,
} from '@krown/core'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { Logger } from 'pino'
import { z } from 'zod'
import { Turns } from '../load/turns.js'
import { logFailure } from './answer-errors.js'
import { callOf, originOf } from './call.js'
import { httpErrorToKrown } from './http-errors.js'
import { coerceQuery, parseQuery, queryOf } from './query.js'

/** What a file may do if a browser shows it after all: nothing. */
const FILE_POLICY = {
  useDefaults: false,
  directives: { defaultSrc: ["'none'"], frameAncestors: ["'none'"], sandbox: [] },
}
/** Of one user; each holds a few MiB until its client took all of it. */
const LIMITS = { atOnce: 16, inLine: 256 }

const queryShape = { ...downloadRecordingShape, ticket: z.string().optional() }

interface Download {
  readonly actor: Actor
  readonly id: RecordingId
  readonly options: DownloadRecordingOptions
}

/** The route that answers with a file of any length. It is no procedure: those answer with JSON, all at once. */
export function mountRecordingDownload(app: FastifyInstance, krown: Krown, logger: Logger): void {
  const turns = new Turns(LIMITS)
  const route = {
    helmet: { contentSecurityPolicy: FILE_POLICY },
    // It would make the whole file, to tell its headers.
    exposeHeadRoute: false,
  }
  app.get('/api/recordings/:recordingId/download', route, async (request, reply) => {
    const download = await readDownload(request, krown)
    krown.countRequest(download.actor)
    // Only the beginning is waited for here: then it is known whether there will be a file.
    return new Promise((resolve, reject) => {
      const work = async () => {
        const file = await open(krown, download)
        // Then the connection is cut: an answer that has begun cannot become a refusal.
        file.once('error', (error) => logFailure(logger, httpErrorToKrown(error), request.id))
        const over = new Promise((done) => file.once('close', done))
        resolve(sendFile(reply, download, file))
        await over
      }
      turns.take(download.actor.userId, work).catch(reject)
    })
  })
}

/** Input is looked at after the caller is, as everywhere. */
async function readDownload(request: FastifyRequest, krown: Krown): Promise<Download> {
  const signedIn = /[?&]ticket=/.test(request.url) ? undefined : await callOf(request)?.authenticate()
  const id = (request.params as { recordingId: RecordingId }).recordingId
  const query = coerceQuery(parseQuery(queryOf(request)), queryShape)
  // Core looks at what is in them.
  const { ticket, ...options } = Object.fromEntries(query) as DownloadRecordingOptions & { ticket?: string }
  const actor =
    signedIn ?? krown.redeemTicket(ticket ?? '', { id, format: options.format }, originOf(request))
  return { actor, id, options }
}

async function open(krown: Krown, { actor, id, options }: Download): Promise<Readable> {
  const pieces = krown.as(actor).recordings.download(id, options)[Symbol.asyncIterator]()
  const first = await pieces.next()
  return Readable.from(startingWith(first, pieces), { objectMode: false })
}

function sendFile(reply: FastifyReply, { id, options }: Download, file: Readable): FastifyReply {
  const { format = DEFAULT_RECORDING_FORMAT } = options
  return reply
    .type(RECORDING_FILES[format].mediaType)
    .header('content-disposition', `attachment; filename="${recordingFileName(id, format)}"`)
    .header('accept-ranges', 'none')
    .send(file)
}

async function* startingWith(
  first: IteratorResult<Uint8Array>,
  rest: AsyncIterator<Uint8Array>,
): AsyncGenerator<Uint8Array> {
  try {
    for (let piece = first; !piece.done; piece = await rest.next()) yield piece.value
  } finally {
    await rest.return?.()
  }
}
