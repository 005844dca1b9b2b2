import type { SessionCloser } from './session-closer.js'
import type { SessionRegistry } from './session-registry.js'

/** Ends the sessions in which nothing happened and nothing runs. */
export async function endIdleSessions(
  deps: { registry: SessionRegistry; closer: SessionCloser },
  idleTimeoutMs: number,
): Promise<void> {
  const idle = deps.registry.all().filter((live) => live.idleForMs() >= idleTimeoutMs)
  await Promise.all(idle.map((live) => deps.closer.close(live, 'idle_timeout')))
}
