// pnpm bench [scenario …] [--json]: runs the scenarios, all of them unless some are named.
import { parseArgs } from 'node:util'
import { scenario as cliStart } from './cli-start.js'
import { scenario as exec } from './exec.js'
import { scenario as execOverRest } from './exec-over-rest.js'
import { scenario as idleSessions } from './idle-sessions.js'
import { scenario as importTargets } from './import-targets.js'
import { scenario as inFlight } from './in-flight.js'
import { scenario as inFlightPostgres } from './in-flight-postgres.js'
import { scenario as inventory } from './inventory.js'
import { scenario as jumpHosts } from './jump-hosts.js'
import { isMet, type Scenario } from './lib/scenario.js'
import { formatFigures } from './lib/table.js'
import { scenario as openByTarget } from './open-by-target.js'
import { scenario as openSession } from './open-session.js'
import { scenario as sdkExec } from './sdk-exec.js'
import { scenario as streamThroughput } from './stream-throughput.js'
import { scenario as trpcInfo } from './trpc-info.js'
import { scenario as watchers } from './watchers.js'

const SCENARIOS: readonly Scenario[] = [
  exec,
  execOverRest,
  inFlight,
  inFlightPostgres,
  openSession,
  openByTarget,
  jumpHosts,
  idleSessions,
  inventory,
  importTargets,
  sdkExec,
  trpcInfo,
  streamThroughput,
  watchers,
  cliStart,
]

const { values: options, positionals: names } = parseArgs({
  allowPositionals: true,
  options: { json: { type: 'boolean', default: false } },
})

const unknown = names.filter((name) => !SCENARIOS.some((scenario) => scenario.name === name))
if (unknown.length > 0) {
  process.stderr.write(`no such scenario: ${unknown.join(', ')}\n`)
  process.exit(2)
}

const reports = []
for (const scenario of SCENARIOS) {
  if (names.length > 0 && !names.includes(scenario.name)) continue
  const figures = await scenario.run()
  reports.push({ name: scenario.name, title: scenario.title, figures: figures.map(withVerdict) })
  if (!options.json) process.stdout.write(`${formatFigures(scenario, figures)}\n`)
}
if (options.json) process.stdout.write(`${JSON.stringify(reports, null, 2)}\n`)

function withVerdict(figure: Parameters<typeof isMet>[0]) {
  const met = isMet(figure)
  return met === undefined ? figure : { ...figure, met }
}
