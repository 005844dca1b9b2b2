import { isKrownError } from '@krown/core'
import { problemsOf } from '../config/config-problem.js'
import { scrubSecrets } from '../scrub-secrets.js'

/** What to do about it, for the system errors that starting a server runs into. */
const HINTS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program listens there; stop it, or set server.port (KROWN_SERVER__PORT)',
  EADDRNOTAVAIL: 'this machine has no such address; set server.host (KROWN_SERVER__HOST)',
  EACCES: 'ports below 1024 need a privilege; set server.port (KROWN_SERVER__PORT)',
}

/** An error as whoever runs the server should read it: what is wrong, and what to do next. */
export function explainError(error: unknown): string {
  const problems = problemsOf(error)
  if (problems !== undefined) {
    const lines = problems.map(({ path, message }) => `  ${path}: ${message}\n`)
    return `krown-server: ${messageOf(error)}:\n${lines.join('')}`
  }
  const hint = error instanceof Error && 'code' in error ? HINTS[String(error.code)] : undefined
  const lines = [messageOf(error), ...(hint ? [hint] : []), ...causes(error)]
  return `krown-server: ${lines.join('\n  ')}\n`
}

/** Krown's own messages say nothing of what the platform or a driver said; here that is what helps. */
function causes(error: unknown): string[] {
  if (!(error instanceof Error)) return []
  if (isKrownError(error)) return error.cause instanceof Error ? [`because: ${messageOf(error.cause)}`] : []
  // What has no code is a bug of ours, and where it happened is all there is to say about it.
  return 'code' in error ? [] : [scrubSecrets(error.stack ?? '')]
}

function messageOf(error: unknown): string {
  return scrubSecrets(error instanceof Error ? error.message || error.name : 'an unknown error')
}
