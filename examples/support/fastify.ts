import { createRequire } from 'node:module'
import type { krownPlugin } from '@krown/server'

type FastifyInstance = Parameters<typeof krownPlugin>[0]

/** The Fastify that @krown/server brings. A project of your own has it among its dependencies: `import Fastify from 'fastify'`. */
export const Fastify: () => FastifyInstance = createRequire(import.meta.resolve('@krown/server'))('fastify')
