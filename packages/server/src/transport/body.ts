import { KrownError } from '@krown/core'
import type { FastifyInstance, FastifyRequest } from 'fastify'
import { parseJsonBody } from './json-body.js'

/** JSON in UTF-8 as it is, and nothing else. */
export function acceptJsonOnly(app: FastifyInstance): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser(
    'application/json',
    { parseAs: 'buffer' },
    async (request: FastifyRequest, body: Buffer) => {
      refuseCharset(request)
      return parseJsonBody(body)
    },
  )
  app.addHook('onRequest', (request, _reply, next) => {
    next(refusalOfEncoding(request))
  })
}

function refuseCharset(request: FastifyRequest): void {
  const charset = /;\s*charset\s*=\s*"?([^\s;"]+)/i.exec(request.headers['content-type'] ?? '')?.[1]
  if (charset === undefined || charset.toLowerCase() === 'utf-8') return
  throw new KrownError('UNSUPPORTED_MEDIA_TYPE', 'only UTF-8 is accepted')
}

// What is unpacked here could be a thousand times what the limit lets in.
function refusalOfEncoding(request: FastifyRequest): KrownError | undefined {
  const encoding = request.headers['content-encoding']
  if (encoding === undefined || encoding.trim().toLowerCase() === 'identity') return undefined
  return new KrownError('UNSUPPORTED_MEDIA_TYPE', 'compressed request bodies are not accepted')
}
