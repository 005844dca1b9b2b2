import { catalog, KrownError, type KrownErrorCode } from '@krown/core'
import { z } from 'zod'
import { WIRE } from '../src/errors/error-mapping.js'
import { PROBLEM_MEDIA_TYPE, toProblem } from '../src/errors/problem.js'
import { pathParameters, type RestRoute } from '../src/transport/rest-routes.js'
import { examples } from './openapi-examples.js'
import { problemSchema } from './problem-schema.js'

interface Content {
  schema?: unknown
  example?: unknown
}

interface Response {
  description: string
  headers?: Record<string, unknown>
  content?: Record<string, Content>
}

/** As much of an operation as is changed here. */
export interface Operation {
  parameters?: { name: string; example?: unknown }[]
  requestBody?: { description?: string; content: Record<string, Content> }
  responses: Record<string, Response>
}

const MIB = 1024 * 1024
const JSON_MEDIA_TYPE = 'application/json'
const REQUEST_ID = '01932c20-0a1b-7c2d-8e3f-4a5b6c7d8e9f'
const LOCATION = { description: 'Where it is from now on.', schema: { type: 'string' } }
const RETRY_AFTER = { description: 'Seconds to wait.', schema: { type: 'integer' } }

/** Adds to a generated operation what the generator does not know: statuses, headers, examples, refusals. */
export function finishOperation(operation: Operation, route: RestRoute): void {
  const example = examples[route.procedure as keyof typeof examples]
  for (const parameter of operation.parameters ?? []) {
    const value = example.input?.[parameter.name]
    if (value !== undefined) parameter.example = value
  }
  const body = operation.requestBody?.content[JSON_MEDIA_TYPE]
  if (body) body.example = bodyExample(route, example.input)
  if (operation.requestBody && route.largeBody !== undefined) {
    operation.requestBody.description = `At most ${route.largeBody.max / MIB} MiB.`
  }
  operation.responses = { ...successes(operation, route), ...refusals(route) }
}

function bodyExample({ openapi }: RestRoute, input: Readonly<Record<string, unknown>> = {}): unknown {
  const inPath = new Set(pathParameters(openapi.path))
  return Object.fromEntries(Object.entries(input).filter(([name]) => !inPath.has(name)))
}

function successes({ responses }: Operation, { procedure, rest }: RestRoute): Record<string, Response> {
  const { status = 200, location, pending } = rest
  if (status === 204) return { 204: { description: 'Done.' } }
  const output = examples[procedure as keyof typeof examples].output
  const schema = responses[200]?.content?.[JSON_MEDIA_TYPE]?.schema
  const answer = (description: string, example: unknown, hasLocation: boolean): Response => ({
    description,
    ...(hasLocation && { headers: { Location: LOCATION } }),
    content: { [JSON_MEDIA_TYPE]: { schema, example } },
  })
  return {
    [status]: answer(status === 201 ? 'Made.' : 'Done.', output, location !== undefined),
    ...(pending && { 202: answer('Not finished yet; ask again at `Location`.', unfinished(output), true) }),
  }
}

/** The example of a command as it is while it runs. */
function unfinished(command: unknown): unknown {
  return {
    ...(command as Record<string, unknown>),
    status: 'running',
    exitCode: null,
    stdout: '',
    stdoutBytes: 0,
    finishedAt: null,
    durationMs: null,
  }
}

function refusals({ openapi, rest }: RestRoute): Record<string, Response> {
  const codes: KrownErrorCode[] = [
    // Also where nothing is taken: whatever is given is refused.
    'VALIDATION_FAILED',
    // An API token may lack the scope for anything, and the embedding program may have a rule.
    ...(openapi.protect === false ? [] : (['UNAUTHENTICATED', 'FORBIDDEN', 'RATE_LIMITED'] as const)),
    ...((rest.errors ?? []) as KrownErrorCode[]),
    ...(openapi.method === 'GET' ? [] : (['PAYLOAD_TOO_LARGE', 'UNSUPPORTED_MEDIA_TYPE'] as const)),
    'UNAVAILABLE',
    'DRAINING',
  ]
  return refusalResponses(codes)
}

export function refusalResponses(codes: readonly KrownErrorCode[]): Record<string, Response> {
  const byStatus = new Map<number, KrownErrorCode[]>()
  for (const code of new Set(codes)) {
    const status = WIRE[code].http
    byStatus.set(status, [...(byStatus.get(status) ?? []), code])
  }
  return Object.fromEntries([...byStatus].map(([status, named]) => [status, refusal(status, named)]))
}

function refusal(status: number, codes: readonly KrownErrorCode[]): Response {
  const problems = codes.map((code) => [code, { $ref: `#/components/examples/${code}` }])
  const content = {
    schema: { $ref: '#/components/schemas/Problem' },
    examples: Object.fromEntries(problems),
  }
  return {
    description: codes.map((code) => `\`${code}\``).join(', '),
    ...((status === 429 || status === 503) && { headers: { 'Retry-After': RETRY_AFTER } }),
    content: { [PROBLEM_MEDIA_TYPE]: content },
  }
}

/** One for each code, for `components.examples`. */
export function problemExamples(): Record<string, unknown> {
  const codes = Object.keys(catalog) as KrownErrorCode[]
  return Object.fromEntries(codes.map((code) => [code, { value: exampleProblem(code) }]))
}

function exampleProblem(code: KrownErrorCode) {
  const details = code === 'VALIDATION_FAILED' && {
    fields: [{ path: 'username', message: 'must not be empty' }],
  }
  const error = new KrownError(code, catalog[code].title.toLowerCase(), details ? { details } : {})
  return toProblem(error, REQUEST_ID)
}

const alive = z.object({ status: z.literal('ok') })
const ok = {
  description: 'Done.',
  content: { [JSON_MEDIA_TYPE]: { schema: alive, example: { status: 'ok' } } },
}

/** What is not a procedure. Here the schema of a refusal enters the document; the rest refers to it. */
export const healthPaths = {
  '/healthz': {
    get: {
      operationId: 'healthz',
      tags: ['system'],
      summary: 'Is the process alive',
      responses: { 200: ok },
    },
  },
  '/readyz': {
    get: {
      operationId: 'readyz',
      tags: ['system'],
      summary: 'Can it do work now',
      responses: {
        200: ok,
        503: {
          description: '`UNAVAILABLE`, `DRAINING`',
          headers: { 'Retry-After': RETRY_AFTER },
          content: {
            [PROBLEM_MEDIA_TYPE]: { schema: problemSchema, example: exampleProblem('UNAVAILABLE') },
          },
        },
      },
    },
  },
}
