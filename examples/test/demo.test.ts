import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { runProcess, startProcess, TestProcess } from '@krown/testkit/child-process'
import { expect, test } from 'vitest'
import { CHECKOUT, plainEnvironment, runExample } from './run-example.js'

test('01: the demo tells its story once and exits with 0', async () => {
  const output = await runExample('01-demo/demo.ts', ['--once'])
  expect(output).toMatch(/target +.+ on 127\.0\.0\.1:\d+\n/)
  expect(output).toMatch(/gateway +krown-server \d+\.\d+\.\d+ on http:\/\/127\.0\.0\.1:\d+, with SQLite\n/)
  expect(output).toContain('hello from ')
  expect(output).toContain('completed, exit code 3 after')
  expect(output).toContain('to standard error\n')
  expect(output).toMatch(/timed_out, ended by TERM \(confirmed\)/)
  expect(output).toMatch(/14 command\.finished +failure +[0-9a-f]{8} {2}timed_out\n/)
  expect(output).toContain('verified: a chain of 14 entries')
  expect(output).toContain('targets: 1 created')
  expect(output).toMatch(/rule +olga may exec on tag:demo/)
  expect(output).toContain('it is me')
  expect(output).toMatch(/impostor +HOST_KEY_MISMATCH: /)
  expect(output).not.toContain('unexpected')
  expect(output).not.toContain('\x1b[')
})

test('01: the commands that the demo prints work when pasted, and Ctrl-C leaves nothing behind', async () => {
  const args = ['--import', 'tsx', 'examples/01-demo/demo.ts']
  const child = spawn(process.execPath, args, { cwd: CHECKOUT, env: plainEnvironment() })
  const demo = new TestProcess(child)
  await demo.untilLog(/# what the session printed.+\n(?:.+\n)+\n/)
  const files = demo.log().match(/files +(\/\S+)/)?.[1] ?? ''
  const url = demo.log().match(/API +(http:\S+)\/docs/)?.[1] ?? ''
  expect(existsSync(files)).toBe(true)

  const printed = [...demo.log().matchAll(/^ {2}# .+\n((?:.+\n)+)/gm)].map(([, command = '']) => command)
  const [watch = '', shell = '', replay = ''] = printed.splice(-3)
  const [signIn = ''] = printed
  const [login, ...answers] = await paste([...printed, `${shell.trim()} </dev/null`, replay])
  expect(login).toBe('')
  const [execute, open, journal, verify] = answers.slice(0, 4).map((answer) => JSON.parse(answer))
  expect(execute).toMatchObject({ command: 'date', status: 'completed', exitCode: 0 })
  expect(open).toMatchObject({ status: 'connected', hostKeyNewlyPinned: false })
  expect(journal).toMatchObject({ items: [{ action: 'session.opened' }] })
  expect(verify).toMatchObject({ ok: true })
  const [user, commands, uname, , played] = answers.slice(4)
  expect(user).toMatch(/^\S+$/)
  expect(commands).toMatch(/id -un/)
  expect(uname).toMatch(/^0 \S+ \S+/)
  expect(played).toContain('$ date')

  const script = `${signIn}\n${watch}`
  const watcher = startProcess({
    command: 'bash',
    args: ['-euc', script],
    options: { env: plainEnvironment() },
  })
  await watcher.untilLog(/"type":"command_finished"/)

  const closed = once(child, 'close')
  child.kill('SIGINT')
  expect(await closed).toEqual([0, null])
  await watcher.exited()
  expect(existsSync(files)).toBe(false)
  await expect(fetch(url)).rejects.toThrow()
})

/** What each of the commands prints, one after the other in one shell. */
async function paste(commands: readonly string[]): Promise<string[]> {
  const script = commands.join('\necho -----\n')
  const options = { env: plainEnvironment() }
  const output = await runProcess({ command: 'bash', args: ['-euc', script], options })
  return output.split('-----\n').map((answer) => answer.trim())
}
