// Entry of a child process: see bare-fastify.ts.
import { createRequire } from 'node:module'
import type { krownPlugin } from '@krown/server'

// The very library that the server uses, which the root of the workspace does not depend on.
const requireFromServer = createRequire(import.meta.resolve('@krown/server'))
const Fastify = requireFromServer('fastify') as () => Parameters<typeof krownPlugin>[0]

const answer = JSON.parse(process.argv[2] ?? '')
const app = Fastify()
app.get('/', async () => answer)
process.stdout.write(`listens on ${await app.listen({ host: '127.0.0.1', port: 0 })}\n`)
