export interface Cancellation extends Disposable {
  readonly signal: AbortSignal
  /** The first reason counts. */
  abort(reason: unknown): void
}

/**
 * An abort signal that also follows `parent`, until it is disposed: a parent that lives long keeps nothing of it, as
 * it would of what `AbortSignal.any` makes.
 */
export function startCancellation(parent: AbortSignal | undefined): Cancellation {
  const controller = new AbortController()
  const follow = () => controller.abort(parent?.reason)
  if (parent?.aborted) follow()
  parent?.addEventListener('abort', follow, { once: true })
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => parent?.removeEventListener('abort', follow),
  }
}
