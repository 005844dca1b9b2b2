import { expect, test } from 'vitest'
import { runExample } from './run-example.js'

const linesOf = (output: string) => output.trim().split('\n')

test('02: a program runs a command, and reads the journal entries that it left', async () => {
  expect(linesOf(await runExample('02-embed-core/embed.ts'))).toEqual([
    expect.stringMatching(/^completed 0 hello from \w+$/),
    '1 organization.created success',
    '2 session.opening success',
    '3 host_key.pinned success',
    '4 session.opened success',
    '5 command.started success',
    '6 command.finished success',
    'the chain of 6 entries is whole',
  ])
})

test('03: people of the program are refused by their role, by its own rule and by ownership', async () => {
  expect(linesOf(await runExample('03-own-users/own-users.ts'))).toEqual([
    'Ada: completed, exit code 0',
    'Bob in a session of his own: FORBIDDEN, session:execute is not allowed here',
    'Bob looks at the session of Ada: NOT_FOUND, session not found',
    'Eve: FORBIDDEN, your role does not allow session:open',
    expect.stringMatching(/^\d+: Bob was refused session:execute with FORBIDDEN$/),
    expect.stringMatching(/^\d+: Bob was refused session:read with NOT_FOUND$/),
    expect.stringMatching(/^\d+: Eve was refused session:open with FORBIDDEN$/),
  ])
})

test('04: a shell with curl goes from an empty server to a journaled command', async () => {
  const [admin, command, journal, reason] = linesOf(await runExample('04-rest-from-curl/run.ts'))
  expect(JSON.parse(admin ?? '')).toMatchObject({ username: 'admin', role: 'admin' })
  expect(JSON.parse(command ?? '')).toMatchObject({ status: 'completed', exitCode: 0, stderr: '' })
  expect(JSON.parse(journal ?? '')).toMatchObject({
    items: [
      { action: 'command.finished', facts: { exitCode: 0 } },
      { action: 'command.started', details: { username: 'admin', command: 'uname -s' } },
    ],
  })
  expect(reason).toBe('closed_by_user')
})

test('05: output arrives while the command runs, input is sent, and an endless command is cancelled', async () => {
  const output = await runExample('05-stream-output/stream.ts')
  expect(output).toContain('compile')
  expect(output).toMatch(/^stderr at \d+: "1 warning\\n"$/m)
  expect(output).toContain('completed, exit code 0, 19 + 10 bytes\n')
  expect(output).toContain('apple < fig < pear\n')
  expect(output).toContain('cancelled, signal TERM, end confirmed\n')
})

test('10: a program of your own brings the secret of a target, and none for another one', async () => {
  expect(linesOf(await runExample('10-credential-provider/credential-provider.ts'))).toEqual([
    'asked for ssh/web1, for system',
    'hello by name',
    'asked for ssh/web2, for system',
    expect.stringMatching(/^web2: VALIDATION_FAILED, .*has no credential/),
  ])
})
