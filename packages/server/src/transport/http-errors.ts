import { randomUUID } from 'node:crypto'
import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import { KrownError, type KrownErrorCode } from '@krown/core'
import { toKrownError } from '../errors/error-mapping.js'
import { PROBLEM_MEDIA_TYPE, toProblem } from '../errors/problem.js'

/** What Fastify refuses by itself, by its code; its own texts may quote the request. */
const RAISED_BY_FASTIFY: Readonly<Record<string, readonly [KrownErrorCode, string]>> = {
  FST_ERR_CTP_BODY_TOO_LARGE: ['PAYLOAD_TOO_LARGE', 'the request body is too large'],
  FST_ERR_CTP_INVALID_MEDIA_TYPE: ['UNSUPPORTED_MEDIA_TYPE', 'only application/json is accepted'],
  FST_ERR_CTP_INVALID_CONTENT_LENGTH: ['VALIDATION_FAILED', 'the body is not as long as Content-Length says'],
  FST_ERR_BAD_URL: ['VALIDATION_FAILED', 'the URL is not percent-encoded UTF-8'],
  FST_ERR_MAX_PARAM_LENGTH: ['VALIDATION_FAILED', 'the URL is too long'],
}

/** The KrownError for whatever ended a request. */
export function httpErrorToKrown(error: unknown): KrownError {
  const [code, message] = RAISED_BY_FASTIFY[codeOf(error)] ?? []
  if (code && message) return new KrownError(code, message, { cause: error })
  // The client went away while its body was read; nobody will see this answer.
  if (codeOf(error) === 'ECONNRESET') {
    return new KrownError('VALIDATION_FAILED', 'the request body ended early', { cause: error })
  }
  return toKrownError(error)
}

/** For answers that no hook sees. */
export function bareHeaders(requestId: string): Record<string, string> {
  return { 'x-request-id': requestId, 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' }
}

/** What the parser of HTTP itself refuses, before there is a request. */
const REFUSED_BY_PARSER: Readonly<Record<string, number>> = {
  HPE_HEADER_OVERFLOW: 431,
  ERR_HTTP_REQUEST_TIMEOUT: 408,
}

/** For the last answer on a connection. */
const LAST_ANSWER_TIMEOUT_MS = 5000

/** Errors after which there is nobody to answer: the peer is gone, or never finished its TLS handshake. */
const UNANSWERABLE = /^(ECONNRESET|EPIPE|EPROTO|ERR_TLS_.*|ERR_SSL_.*)$/

/** Answers what is not HTTP, or came too slowly, and ends the connection. */
export function answerClientError(error: Error, socket: Socket): void {
  if (!socket.writable || socket.destroyed || UNANSWERABLE.test(codeOf(error))) {
    socket.destroy()
    return
  }
  endWith(socket, rawProblem(REFUSED_BY_PARSER[codeOf(error)] ?? 400, 'the request is not valid HTTP'))
}

/** CONNECT asks to be a proxy; Node would drop it without a word. */
export function refuseConnect(_request: unknown, socket: Socket): void {
  endWith(socket, rawProblem(405, 'this method is not allowed'))
}

/** For any but `100-continue`; Node would answer without a word, and no hook sees it. */
export function refuseExpectation(_request: IncomingMessage, response: ServerResponse): void {
  const { status, headers, body } = bareProblem(400, 'this expectation is not one that can be met')
  response.writeHead(status, headers).end(body)
}

/** A peer that reads nothing, or never closes its half, would keep the socket. */
function endWith(socket: Socket, text: string): void {
  socket.setTimeout(LAST_ANSWER_TIMEOUT_MS, () => socket.destroy())
  socket.end(text, () => socket.destroy())
}

function rawProblem(refusal: number, detail: string): string {
  const { status, headers, body } = bareProblem(refusal, detail)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}`)
  return [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`, ...lines, '', body].join('\r\n')
}

function bareProblem(status: number, detail: string) {
  const code = status === 405 ? 'METHOD_NOT_ALLOWED' : 'VALIDATION_FAILED'
  const requestId = randomUUID()
  const body = JSON.stringify({ ...toProblem(new KrownError(code, detail), requestId), status })
  const headers = {
    ...bareHeaders(requestId),
    'content-type': PROBLEM_MEDIA_TYPE,
    'content-length': Buffer.byteLength(body),
    connection: 'close',
  }
  return { status, headers, body }
}

function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : ''
}
