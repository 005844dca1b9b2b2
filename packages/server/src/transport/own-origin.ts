import type { FastifyRequest } from 'fastify'

/** Is this page one of the server's own: by scheme, host and port, as a trusted proxy tells them? */
export function isOwnOrigin({ headers, protocol, host }: FastifyRequest): boolean {
  const own = `${protocol}://${host}`
  return URL.canParse(own) && headers.origin === new URL(own).origin
}
