import type { FastifyInstance } from 'fastify'

const TWO_YEARS_S = 63_072_000

/**
 * The documentation page runs its own files and nothing inline; React sets styles through the DOM only. Trusted
 * types are not demanded: Swagger UI sanitises the HTML that it makes of Markdown, but writes it as text.
 */
export const DOCS_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "font-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join(';')

/** Written out: a library that puts them together anew for each answer took longer than the rest of the hooks. */
const HEADERS = {
  // Nothing in an answer of the API is to be shown, run or framed.
  'content-security-policy': "default-src 'none';frame-ancestors 'none'",
  'cross-origin-embedder-policy': 'require-corp',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'origin-agent-cluster': '?1',
  'permissions-policy': 'camera=(), microphone=(), geolocation=(), clipboard-read=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-dns-prefetch-control': 'off',
  'x-download-options': 'noopen',
  'x-frame-options': 'DENY',
  'x-permitted-cross-domain-policies': 'none',
  // Its filter of scripts could be abused itself.
  'x-xss-protection': '0',
}

/** Headers that every answer has. */
export function addSecurityHeaders(app: FastifyInstance, { tls }: { tls: boolean }): void {
  const hsts = { 'strict-transport-security': `max-age=${TWO_YEARS_S}; includeSubDomains` }
  const headers = tls ? { ...HEADERS, ...hsts } : HEADERS
  app.addHook('onRequest', (_request, reply, next) => {
    reply.headers(headers)
    next()
  })
}
