import { newCommandId, type SessionId } from '@krown/sdk'
import { useMutation } from '@tanstack/react-query'
import type { SubmitEvent } from 'react'
import type { Run } from '../follow-command.js'
import { useKrown } from '../krown-context.js'
import { isWorthRetrying } from '../query-client.js'
import { Problem } from './problem.js'

interface CommandFormProps {
  sessionId: SessionId
  onStarted: (run: Run) => void
}

export function CommandForm({ sessionId, onStarted }: CommandFormProps) {
  const krown = useKrown()
  const start = useMutation({
    // Streamed: the host waits while the page is cut off, instead of output being lost.
    mutationFn: (run: Run) => krown.commands.start({ ...run, streamed: true }),
    // With the same `commandId` it is not started twice, even if only the answer was lost.
    retry: isWorthRetrying,
    onSuccess: (_, run) => onStarted(run),
  })
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault()
    const form = event.currentTarget
    const command = String(new FormData(form).get('command'))
    if (command.trim() === '') return
    start.mutate({ command, sessionId, commandId: newCommandId() }, { onSuccess: () => form.reset() })
  }
  return (
    <>
      <form className="command-form" onSubmit={submit}>
        <span aria-hidden="true">$</span>
        <input
          name="command"
          aria-label="Command"
          placeholder="uname -a"
          autoComplete="off"
          autoCapitalize="off"
          spellCheck={false}
        />
        <button type="submit" className="primary" disabled={start.isPending}>
          Run
        </button>
      </form>
      {start.error && <Problem error={start.error} />}
    </>
  )
}
