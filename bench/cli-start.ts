import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { timeInTurn } from './lib/interleave.js'
import type { Scenario } from './lib/scenario.js'
import { median, quantile } from './lib/statistics.js'

const KROWN = fileURLToPath(new URL('../packages/cli/bin/krown.js', import.meta.url))
const EMPTY_PROGRAM = ['-e', '0']
const SAMPLING = { rounds: 40, warmUp: 3, burst: 1 }
const OVERHEAD_MS = 60

const run = promisify(execFile)
const node = (args: readonly string[]) => run(process.execPath, args)

export const scenario: Scenario = {
  name: 'cli-start',
  title: 'krown as a process of its own, from its start to its end, beside a Node that does nothing',
  run: async () => {
    const steps = {
      node: () => node(EMPTY_PROGRAM),
      version: () => node([KROWN, '--version']),
      help: () => node([KROWN, 'exec', '--help']),
    }
    const times = await timeInTurn(steps, SAMPLING)
    const nodeP50 = median(times.node)
    const peers = { node: nodeP50 }
    return [
      {
        what: 'krown --version, p50, at most Node + 60 ms',
        value: median(times.version),
        unit: 'ms',
        target: { atMost: nodeP50 + OVERHEAD_MS },
        peers,
      },
      { what: 'krown exec --help, p50', value: median(times.help), unit: 'ms', peers },
      {
        what: 'krown --version, p95',
        value: quantile(times.version, 0.95),
        unit: 'ms',
        peers: { node: quantile(times.node, 0.95) },
      },
    ]
  },
}
