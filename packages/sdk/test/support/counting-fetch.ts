/** `fetch` that counts the calls of each procedure. */
export interface CountingFetch {
  readonly fetch: typeof fetch
  count(procedure: string): number
}

export function countingFetch(): CountingFetch {
  const paths: string[] = []
  return {
    fetch: (input, init) => {
      paths.push(new URL(String(input)).pathname)
      return fetch(input, init)
    },
    count: (procedure) => paths.filter((path) => path.endsWith(`/${procedure}`)).length,
  }
}
