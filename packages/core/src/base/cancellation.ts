export interface Cancellation extends Disposable {
  readonly signal: AbortSignal
  /** The first reason counts. */
  abort(reason: unknown): void
}

/**
 * An abort signal that also follows its parents, until it is disposed: a parent that lives long keeps nothing of it, as
 * it would of what `AbortSignal.any` makes.
 */
export function startCancellation(...parents: readonly (AbortSignal | undefined)[]): Cancellation {
  const controller = new AbortController()
  const unfollow = parents.flatMap((parent) => (parent ? [followTo(controller, parent)] : []))
  return {
    signal: controller.signal,
    abort: (reason) => controller.abort(reason),
    [Symbol.dispose]: () => {
      for (const stop of unfollow) stop()
    },
  }
}

function followTo(controller: AbortController, parent: AbortSignal): () => void {
  const follow = () => controller.abort(parent.reason)
  if (parent.aborted) follow()
  parent.addEventListener('abort', follow, { once: true })
  return () => parent.removeEventListener('abort', follow)
}
