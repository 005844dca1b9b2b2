import { fileURLToPath } from 'node:url'
import { startProcess } from '@krown/testkit/child-process'

const ENTRY = fileURLToPath(new URL('./bare-fastify-server.ts', import.meta.url))

/** Fastify in a process of its own, with nothing but one route that answers with that JSON. */
export async function startBareFastify(json: string): Promise<AsyncDisposable & { readonly url: string }> {
  const args = ['--import', 'tsx', ENTRY, json]
  const server = startProcess({ command: process.execPath, args })
  const [, url = ''] = await server.untilLog(/listens on (\S+)\n/)
  return { url, [Symbol.asyncDispose]: () => server.stop() }
}
