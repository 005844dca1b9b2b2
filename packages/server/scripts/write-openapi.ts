import { writeFileSync } from 'node:fs'
import { buildOpenApiDocument } from './openapi.js'

// What the contract test compares with; run it after changing a route or a schema.
writeFileSync(
  new URL('../openapi.json', import.meta.url),
  `${JSON.stringify(buildOpenApiDocument(), null, 2)}\n`,
)
