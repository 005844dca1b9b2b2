import type { Command, Session } from '@krown/core'
import { bold, cyan, dim, green, heading, indented, red, yellow } from './print.js'
import type { RestClient } from './rest-client.js'

interface Scene {
  readonly command: string
  readonly timeoutMs?: number
  /** What is to come out; the demo fails when it is something else. */
  readonly expected: Partial<Command>
}

const SCENES: readonly Scene[] = [
  { command: 'echo "hello from $(uname -s)"', expected: { status: 'completed', exitCode: 0, stderr: '' } },
  { command: 'exit 3', expected: { status: 'completed', exitCode: 3, stdout: '' } },
  {
    command: 'echo "to standard output"; echo "to standard error" >&2',
    expected: { status: 'completed', stdout: 'to standard output\n', stderr: 'to standard error\n' },
  },
  { command: 'sleep 60', timeoutMs: 1000, expected: { status: 'timed_out', killed: 'confirmed' } },
]

/** Runs the four commands and prints what came out. @returns What was not as expected. */
export async function runCommands(api: RestClient, session: Session): Promise<string[]> {
  heading('Commands')
  const surprises: string[] = []
  for (const scene of SCENES) {
    const { command, timeoutMs, expected } = scene
    const result = await api.post<Command>(`/api/sessions/${session.id}/execute`, {
      command,
      ...(timeoutMs !== undefined && { timeoutMs }),
    })
    printCommand(result, timeoutMs)
    const wrong = Object.entries(expected).filter(([key, value]) => result[key as keyof Command] !== value)
    surprises.push(...wrong.map(([key, value]) => `${command}: ${key} is not ${JSON.stringify(value)}`))
  }
  return surprises
}

function printCommand(command: Command, timeoutMs: number | undefined): void {
  const limit = timeoutMs === undefined ? '' : dim(`   with a timeout of ${timeoutMs} ms`)
  console.log(`  ${cyan('$')} ${bold(command.command)}${limit}`)
  if (command.stdout) indented(command.stdout, (line) => line)
  if (command.stderr) indented(command.stderr, yellow)
  console.log(`      ${outcome(command)} ${dim(`after ${command.durationMs} ms`)}`)
}

function outcome({ status, exitCode, signal, killed }: Command): string {
  if (status === 'completed') return (exitCode === 0 ? green : red)(`${status}, exit code ${exitCode}`)
  return red(`${status}, ended by ${signal ?? 'nothing we know of'} (${killed})`)
}
