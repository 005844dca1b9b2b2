import type { Clock } from './clock.js'

/** Asks anew at most every `maxAgeMs`; who asks meanwhile gets the very same answer. */
export function remembered<Value>(clock: Clock, maxAgeMs: number, ask: () => Value): () => Value {
  let last: { readonly value: Value; readonly freshUntil: number } | undefined
  return () => {
    const now = clock.monotonic()
    if (!last || now >= last.freshUntil) last = { value: ask(), freshUntil: now + maxAgeMs }
    return last.value
  }
}
