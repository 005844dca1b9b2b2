type Step = () => Promise<unknown>

export interface InterleaveOptions {
  readonly rounds: number
  /** Rounds before those that count: connections, caches and the compiler warm up. */
  readonly warmUp: number
  /** How often a step runs before it is the next one's turn; a pause lets a peer escape from Nagle's algorithm. */
  readonly burst: number
}

/**
 * Times the steps in turn, A A B B C C A A …, so that what else happens on the machine happens to all of them.
 *
 * @returns For each step its times in milliseconds, `rounds` × `burst` of them.
 */
export async function timeInTurn<Name extends string>(
  steps: Readonly<Record<Name, Step>>,
  { rounds, warmUp, burst }: InterleaveOptions,
): Promise<Record<Name, number[]>> {
  const names = Object.keys(steps) as Name[]
  const times = Object.fromEntries(names.map((name) => [name, []])) as unknown as Record<Name, number[]>
  for (let round = -warmUp; round < rounds; round += 1) {
    for (const name of names) {
      const burstTimes = await timeBurst(steps[name], burst)
      if (round >= 0) times[name].push(...burstTimes)
    }
  }
  return times
}

async function timeBurst(step: Step, burst: number): Promise<number[]> {
  const times: number[] = []
  for (let index = 0; index < burst; index += 1) times.push(await timeOnce(step))
  return times
}

async function timeOnce(step: Step): Promise<number> {
  const startedAt = performance.now()
  await step()
  return performance.now() - startedAt
}
