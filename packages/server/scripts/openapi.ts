import { generateOpenApiDocument, type OpenApiRouter } from 'trpc-to-openapi'
import { z } from 'zod'
import packageJson from '../package.json' with { type: 'json' }
import { type RestRoute, restRoutes } from '../src/transport/rest-routes.js'
import { downloadPaths } from './openapi-download.js'
import { finishOperation, healthPaths, type Operation, problemExamples } from './openapi-operations.js'

type Json = Record<string, unknown>

interface GeneratedDocument {
  paths: Record<string, Record<string, Operation>>
  components: Json
}

const DESCRIPTION = `An SSH session gateway: sign in, open a session to a host, run commands on it, read what happened.

Names are camelCase, times are ISO 8601 in UTC, ids are UUIDs. Lists are newest first and come in pages: give \`nextCursor\` back as \`cursor\`, with the same filters. Unknown fields and values out of range are refused. Every refusal is a \`Problem\`; clients ignore fields, codes and enum values that they do not know.`

const BEARER = 'The access token of a login, or an API token (`krn_pat_…`).'

const TAGS = [
  'auth',
  'tokens',
  'invites',
  'sessions',
  'commands',
  'channels',
  'recordings',
  'targets',
  'credentials',
  'access rules',
  'host-keys',
  'users',
  'journal',
  'system',
]

/** The OpenAPI 3.1 document of the REST API. */
export function buildOpenApiDocument(): Json {
  const routes = restRoutes()
  const document = generateOpenApiDocument(documentable(routes), {
    title: 'Krown',
    description: DESCRIPTION,
    version: packageJson.version,
    license: { name: 'Apache-2.0', identifier: 'Apache-2.0' },
    baseUrl: '/',
    tags: TAGS,
    paths: { ...healthPaths, ...downloadPaths } as unknown as typeof healthPaths,
    securitySchemes: { bearer: { type: 'http', scheme: 'bearer', description: BEARER } },
  }) as unknown as GeneratedDocument
  for (const route of routes) {
    const { path, method } = route.openapi
    const operations = document.paths[path]
    const operation = operations?.[method.toLowerCase()]
    if (operation) finishOperation(operation, route)
  }
  document.components.examples = problemExamples()
  return tidy(document) as Json
}

/** The procedures as trpc-to-openapi wants them: with nothing but success, and parameters of plain types. */
function documentable(routes: readonly RestRoute[]): OpenApiRouter {
  const procedures = routes.map(({ procedure, type, openapi, input, output }) => {
    const meta = { openapi: { ...openapi, operationId: procedure, errorResponses: [] } }
    const inputs = input ? [withPlainIds(input)] : []
    return [procedure, { _def: { type, meta, inputs, output } }]
  })
  return { _def: { procedures: Object.fromEntries(procedures) } } as unknown as OpenApiRouter
}

/** It takes no custom types for parameters, and ids are such. */
function withPlainIds(input: z.ZodObject): z.ZodObject {
  const plain = Object.entries(input.shape).map(([name, schema]) => [name, plainId(schema as z.ZodType)])
  return z.strictObject(Object.fromEntries(plain))
}

function plainId(schema: z.ZodType): z.ZodType {
  if (schema instanceof z.ZodOptional) return plainId(schema.unwrap() as z.ZodType).optional()
  return schema instanceof z.ZodCustom ? z.string().meta({ format: 'uuid' }) : schema
}

/**
 * Without what the generator adds and nobody means: the bounds of a double for every integer, and closed answers,
 * because an answer may get more fields.
 */
function tidy(node: unknown, isRequest = false): unknown {
  if (Array.isArray(node)) return node.map((item) => tidy(item, isRequest))
  if (typeof node !== 'object' || node === null) return node
  const entries = Object.entries(node).filter(([key, value]) => !isNoise(key, value, isRequest))
  return Object.fromEntries(
    entries.map(([key, value]) => [key, tidy(value, isRequest || key === 'requestBody')]),
  )
}

function isNoise(key: string, value: unknown, isRequest: boolean): boolean {
  if (key === 'additionalProperties') return value === false && !isRequest
  if (key === 'maximum') return value === Number.MAX_SAFE_INTEGER
  return key === 'minimum' && value === Number.MIN_SAFE_INTEGER
}
