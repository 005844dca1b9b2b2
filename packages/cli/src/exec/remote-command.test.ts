import type { Command, CommandId, RemoteKrownClient, StartCommandInput } from '@krown/sdk'
import { expect, test } from 'vitest'
import { pipeClosed } from '../cli-error.js'
import type { ExecReport } from './exec-report.js'
import { RemoteCommand } from './remote-command.js'

const COMMAND = { id: 'c', sessionId: 's', status: 'running' } as Command
const INPUT = { sessionId: 's', command: 'true', commandId: 'c' } as StartCommandInput & {
  commandId: CommandId
}

/** A command whose output ends at once, without a word. */
function startWith({ later, report = {} }: { later: Command['status']; report?: object }) {
  const calls: string[] = []
  const commands = {
    start: async () => COMMAND,
    get: async () => {
      calls.push('get')
      return { ...COMMAND, status: later }
    },
    output: (): AsyncIterable<never> => {
      calls.push('output')
      return ReadableStream.from([])
    },
    cancel: async () => calls.push('cancel'),
  }
  const client = { commands } as unknown as RemoteKrownClient
  const reports = { started: async () => {}, ...report } as unknown as ExecReport
  return { calls, remote: RemoteCommand.start({ client, report: reports, input: undefined }, INPUT) }
}

test.each(['running', 'completed'] as const)(
  'output that ends without a word is an error, of a command that is %s too',
  async (later) => {
    const { calls, remote } = startWith({ later })
    const message = expect.stringContaining(later)
    await expect((await remote).run()).rejects.toMatchObject({ exitCode: 255, message })
    expect(calls).toEqual(['output', 'get'])
  },
)

test('a command whose start cannot be told can still be cancelled', async () => {
  const { calls, remote } = startWith({
    later: 'running',
    report: { started: () => Promise.reject(pipeClosed()) },
  })
  const started = await remote
  await expect(started.run()).rejects.toMatchObject({ name: 'CliError' })
  await started.cancel()
  expect(calls).toEqual(['cancel'])
})
