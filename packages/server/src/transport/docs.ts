import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import type { FastifyInstance } from 'fastify'
import { DOCS_POLICY } from './security-headers.js'

// Addresses are relative, so that it works below any prefix.
const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>Krown API</title>
    <link rel="icon" type="image/png" href="docs/assets/favicon-32x32.png">
    <link rel="stylesheet" href="docs/assets/swagger-ui.css">
  </head>
  <body>
    <div id="docs"></div>
    <script src="docs/assets/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`

// A file of its own: the page's policy runs nothing inline. No validator badge: it would ask a foreign site.
const START_SCRIPT = `SwaggerUIBundle({
  url: 'openapi.json',
  domNode: document.getElementById('docs'),
  deepLinking: true,
  displayRequestDuration: true,
  persistAuthorization: false,
  validatorUrl: null,
})
`

const ASSETS = {
  'swagger-ui.css': 'text/css; charset=utf-8',
  'swagger-ui-bundle.js': 'text/javascript; charset=utf-8',
  'favicon-32x32.png': 'image/png',
}

/** The document and a page to browse it, all from this server. */
export async function mountDocs(app: FastifyInstance, document: object): Promise<void> {
  // Bytes, which are sent as they are; text would be encoded anew for each answer.
  const bytes = Buffer.from(JSON.stringify({ ...document, servers: [{ url: app.prefix || '/' }] }))
  app.get('/openapi.json', (_request, reply) => reply.type('application/json').send(bytes))

  const helmet = { contentSecurityPolicy: DOCS_POLICY }
  app.get('/docs', { helmet }, (_request, reply) => reply.type('text/html; charset=utf-8').send(PAGE))
  app.get('/docs/start.js', { helmet }, (_request, reply) =>
    reply.type('text/javascript; charset=utf-8').send(START_SCRIPT),
  )
  for (const [name, type] of Object.entries(ASSETS)) mountAsset(app, name, type)
}

/**
 * From memory, read when it is first asked for. A stream for each answer would stay open with its file when the client
 * goes away before it is the answer's turn on the connection.
 */
function mountAsset(app: FastifyInstance, name: string, type: string): void {
  let content: Promise<Buffer> | undefined
  app.get(`/docs/assets/${name}`, async (_request, reply) => {
    content ??= readFile(createRequire(import.meta.url).resolve(`swagger-ui-dist/${name}`))
    return reply
      .type(type)
      .header('cache-control', 'public, max-age=3600')
      .send(await content)
  })
}
