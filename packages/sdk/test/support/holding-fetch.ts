/** `fetch` whose answers of one procedure wait. */
export interface HoldingFetch {
  readonly fetch: typeof fetch
  /** The first such answer is here. */
  readonly held: Promise<void>
  release(): void
}

export function holdingFetch(procedure: string): HoldingFetch {
  let tell = () => {}
  let release = () => {}
  const held = new Promise<void>((resolve) => {
    tell = resolve
  })
  const released = new Promise<void>((resolve) => {
    release = resolve
  })
  return {
    fetch: async (input, init) => {
      const answer = await fetch(input, init)
      if (!new URL(String(input)).pathname.endsWith(`/${procedure}`)) return answer
      tell()
      await released
      return answer
    },
    held,
    release: () => release(),
  }
}
