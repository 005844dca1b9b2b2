import { describe, expect, test } from 'vitest'
import committed from '../../openapi.json' with { type: 'json' }
import { buildOpenApiDocument } from '../../scripts/openapi.js'
import { examples } from '../../scripts/openapi-examples.js'
import { problemSchema } from '../../scripts/problem-schema.js'
import { restRoutes } from '../../src/transport/rest-routes.js'

interface Operation {
  operationId: string
  security?: unknown
  parameters?: { name: string; in: string; example?: unknown }[]
  requestBody?: { content: Record<string, { schema?: unknown; example?: unknown }> }
  responses: Record<
    string,
    { content?: Record<string, { schema?: object; example?: unknown; examples?: object }> }
  >
}

const routes = restRoutes()
const operations = Object.values(committed.paths).flatMap((path) =>
  Object.values(path as unknown as Record<string, Operation>),
)
const operationOf = (procedure: string) => operations.find(({ operationId }) => operationId === procedure)

test('openapi.json is what the router says; after a change run "pnpm openapi" and look at the difference', () => {
  expect(JSON.parse(JSON.stringify(buildOpenApiDocument()))).toEqual(committed)
})

test('it is OpenAPI 3.1, and no operation is named twice', () => {
  expect(committed.openapi).toMatch(/^3\.1\./)
  const names = operations.map(({ operationId }) => operationId)
  expect(new Set(names).size).toBe(names.length)
})

describe.each(routes.map((route) => [route.procedure, route] as const))('%s', (procedure, route) => {
  const operation = operationOf(procedure)
  const example = examples[procedure as keyof typeof examples]

  test('its examples fit its schemas, and nothing is left over', () => {
    if (route.input) expect(route.input.parse(example.input)).toEqual(example.input)
    else expect(example.input).toBeUndefined()
    expect(route.output.parse(example.output)).toEqual(example.output)
  })

  test('is documented with example, security, and every status of success', () => {
    const status = String(route.rest.status ?? 200)
    expect(operation?.responses[status]).toBeDefined()
    expect(operation?.security === undefined).toBe(route.openapi.protect === false)
    if (status !== '204') {
      expect(operation?.responses[status]?.content?.['application/json']).toMatchObject({
        schema: expect.anything(),
        example: example.output,
      })
    }
    if (route.rest.pending) expect(operation?.responses['202']).toBeDefined()
    for (const parameter of operation?.parameters ?? []) {
      if (parameter.in === 'path') expect(parameter.example).toBeDefined()
    }
    const body = operation?.requestBody?.content['application/json']
    if (body) expect(body.example).toBeDefined()
  })

  test('every refusal is a problem with an example for each of its codes', () => {
    const refusals = Object.entries(operation?.responses ?? {}).filter(([status]) => status >= '400')
    expect(refusals.length).toBeGreaterThan(0)
    for (const [, response] of refusals) {
      const content = response.content?.['application/problem+json']
      expect(content?.schema).toEqual({ $ref: '#/components/schemas/Problem' })
      expect(Object.keys(content?.examples ?? {}).length).toBeGreaterThan(0)
    }
  })
})

test('who may be refused a call, or may name what is not there, is told so', () => {
  const silent = routes.flatMap(({ procedure, openapi, input }) => {
    const { responses, requestBody } = operationOf(procedure) ?? { responses: {} }
    const named = [...Object.keys(input?.shape ?? {}), JSON.stringify(requestBody ?? '')].join(' ')
    const codes = Object.values(responses).flatMap(({ content }) =>
      Object.keys(content?.['application/problem+json']?.examples ?? {}),
    )
    const namesOne = openapi.path.includes('{') || (openapi.method !== 'GET' && /\b[a-z]+Id"/i.test(named))
    return [
      ...(openapi.protect !== false && !codes.includes('FORBIDDEN') ? [`${procedure}: FORBIDDEN`] : []),
      ...(namesOne && !codes.includes('NOT_FOUND') ? [`${procedure}: NOT_FOUND`] : []),
    ]
  })
  expect(silent).toEqual([])
})

test('the example of every code is a problem', () => {
  for (const [code, { value }] of Object.entries(committed.components.examples)) {
    expect(problemSchema.parse(value)).toMatchObject({ code, type: `urn:krown:error:${code}` })
  }
})

test('answers may get more fields, requests may not', () => {
  expect(JSON.stringify(committed.components.schemas)).not.toContain('"additionalProperties":false')
  const bodies = operations.flatMap(({ requestBody }) => Object.values(requestBody?.content ?? {}))
  expect(bodies.length).toBeGreaterThan(5)
  for (const { schema } of bodies) expect(schema).toMatchObject({ additionalProperties: false })
})
