import { type ChildProcess, spawn } from 'node:child_process'

/**
 * Kills the child when this process ends, however it ends: test runners kill their workers, and then no `exit`
 * handler runs. A small shell waits at the end of a pipe that closes with this process.
 */
export function leash(child: ChildProcess): void {
  if (child.pid === undefined) return
  const script = 'read _; kill -KILL "$1"'
  const watcher = spawn('/bin/sh', ['-c', script, 'leash', String(child.pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  watcher.stdin.on('error', () => undefined)
  watcher.unref()
  const pipe = watcher.stdin as typeof watcher.stdin & { unref(): void }
  pipe.unref()
  // The id may soon belong to another process.
  child.once('exit', () => watcher.kill('SIGKILL'))
}
