interface LockManager {
  request<T>(name: string, work: () => Promise<T>): Promise<T>
}

/**
 * Runs `work` while nobody else of this origin does, in any tab; where there are no Web Locks (older Node), only this
 * process is asked, by whoever calls.
 */
export function exclusively<T>(name: string, work: () => Promise<T>): Promise<T> {
  const { navigator } = globalThis as { navigator?: { locks?: LockManager } }
  return navigator?.locks ? navigator.locks.request(name, work) : work()
}
