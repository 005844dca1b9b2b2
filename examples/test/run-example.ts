import { fileURLToPath } from 'node:url'
import { runProcess } from '@krown/testkit/child-process'

/** Root of the checkout, where the documents say that commands are run. */
export const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url))

// An example must not depend on where its tests happen to run.
const CONTEXT = /^(?:SSH_|KROWN_|JWT_SECRET$|DATABASE_URL$|VITEST|NODE_ENV$|FORCE_COLOR$)/

/** The environment of a person who did nothing special. */
export function plainEnvironment(more: NodeJS.ProcessEnv = {}): NodeJS.ProcessEnv {
  const kept = Object.entries(process.env).filter(([name]) => !CONTEXT.test(name))
  return { ...Object.fromEntries(kept), ...more }
}

/** What `npx tsx examples/<path>` prints. @throws Error with its output when it does not exit with 0. */
export async function runExample(path: string, args: readonly string[] = []): Promise<string> {
  return runProcess({
    command: process.execPath,
    args: ['--import', 'tsx', `examples/${path}`, ...args],
    options: { cwd: CHECKOUT, env: plainEnvironment() },
  })
}
