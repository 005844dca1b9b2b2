import type { CommandSummary } from '@krown/sdk'
import { useMutation } from '@tanstack/react-query'
import { adviceAfter } from '../advice.js'
import type { Run } from '../follow-command.js'
import { useOutput } from '../hooks/use-output.js'
import { useKrown } from '../krown-context.js'
import { EMPTY_SCREEN } from '../screen.js'
import { Output } from './output.js'
import { Problem } from './problem.js'

/** One command as it runs: its output, how it ended, and a way to stop it. */
export function LiveCommand({ run }: { run: Run }) {
  const krown = useKrown()
  const { data: screen = EMPTY_SCREEN, error } = useOutput(run)
  const cancel = useMutation({ mutationFn: () => krown.commands.cancel(run.commandId) })
  const isRunning = screen.result === null && !error
  return (
    <article className="card command" aria-label={run.command} aria-busy={isRunning}>
      <div className="command-head">
        <code>{run.command}</code>
        {isRunning && (
          <button type="button" onClick={() => cancel.mutate()} disabled={cancel.isPending}>
            Cancel
          </button>
        )}
        <span role="status" className={`chip ${isRunning ? 'running' : toneOf(screen.result)}`}>
          {isRunning ? 'running' : outcomeOf(screen.result)}
        </span>
      </div>
      <Output screen={screen} />
      {screen.result?.errorCode && (
        <p className="hint">
          <code>{screen.result.errorCode}</code> {adviceAfter(screen.result, screen.result.errorCode)}
        </p>
      )}
      {error && <Problem error={error} />}
      {cancel.error && <Problem error={cancel.error} />}
    </article>
  )
}

function outcomeOf(result: CommandSummary | null): string {
  if (result === null) return 'not followed'
  const { status, exitCode, signal } = result
  if (exitCode !== null && status === 'completed') return `exit code ${exitCode}`
  return signal === null ? status.replaceAll('_', ' ') : `${status.replaceAll('_', ' ')}, signal ${signal}`
}

function toneOf(result: CommandSummary | null): string {
  return result?.exitCode === 0 ? 'good' : 'bad'
}
