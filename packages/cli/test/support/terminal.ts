import { spawnSync } from 'node:child_process'
import { type KrownProcess, startProgram } from './krown.js'

// The program is started on a terminal of its own: what we write is typed there, and what we read stood on its screen.
const ON_A_TERMINAL = `
import os, pty, sys
status = pty.spawn(sys.argv[1:])
sys.exit(os.waitstatus_to_exitcode(status))
`

export const hasTerminals = spawnSync('python3', ['-c', 'import pty']).status === 0

/** @param command As a person types it to a shell. */
export function startOnTerminal(command: string, env: NodeJS.ProcessEnv): KrownProcess {
  return startProgram('python3', ['-c', ON_A_TERMINAL, 'sh', '-c', command], { TERM: 'xterm', ...env })
}
