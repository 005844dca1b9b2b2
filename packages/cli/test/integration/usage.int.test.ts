import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'
import packageJson from '../../package.json' with { type: 'json' }
import { krown } from '../support/krown.js'

const hasShell = (name: string) => spawnSync(name, ['-c', 'true']).status === 0

describe('krown', () => {
  test('says its version', async () => {
    expect(await krown(['--version'])).toMatchObject({
      exitCode: 0,
      stdout: `${packageJson.version}\n`,
      stderr: '',
    })
  })

  test.each([[['--help']], [['exec', '--help']], [['help', 'sessions', 'open']]])(
    '%j helps on standard output',
    async (args) => {
      expect(await krown(args)).toMatchObject({
        exitCode: 0,
        stdout: expect.stringMatching(/^Usage: krown/),
        stderr: '',
      })
    },
  )

  test('helps with a command in a command, and knows when there is none', async () => {
    const { stdout } = await krown(['help', 'targets', 'import'])
    expect(stdout).toMatch(/^Usage: krown targets import /)
    const { exitCode, stderr } = await krown(['help', 'nosuch'])
    expect([exitCode, stderr]).toEqual([2, expect.stringContaining("unknown command 'nosuch'")])
  })

  test.each([[['sesions']], [['sessions', 'ls', '--frob']], [['targets']], [['exec', 'host']]])(
    '%j with --json is one line of JSON',
    async (args) => {
      const { stdout, stderr } = await krown([...args, '--json'])
      expect([stdout, JSON.parse(stderr)]).toEqual([
        '',
        { error: { code: 'USAGE', message: expect.any(String), hint: expect.any(String) } },
      ])
      expect(stderr.trimEnd()).not.toContain('\n')
    },
  )

  test.each([
    [[], 'Usage'],
    [['sesions'], 'Did you mean sessions?'],
    [['sessions', 'ls', '--frob'], '--frob'],
    [['sessions', 'ls', '--limit', '0'], 'at least 1'],
    [['sessions', 'open', 'a', '-p', '65536'], '65535'],
    [['sessions', 'show'], 'session'],
    [['users', 'set-role', 'a', 'king'], 'admin, operator, readonly'],
    [['journal', 'ls', '--after', '3'], '--follow'],
    [['journal', 'ls', '--follow', '--search', 'x'], '--search'],
    [['exec', 'host', '--timeout', '5', '--', 'true'], '90s'],
    [['shell', 'host', '-e', 'tilde'], 'one character'],
    [['attach', 'host', '--watch', '--take-over'], 'takes no keyboard'],
    [['watch'], 'channel'],
  ])('%j is refused before anything is sent', async (args, word) => {
    const { exitCode, stdout, stderr } = await krown(args)
    expect([exitCode, stdout]).toEqual([['exec', 'shell', 'attach'].includes(args[0] ?? '') ? 255 : 2, ''])
    expect(stderr).toContain(word)
  })
})

describe('completion', () => {
  /** What bash offers at the end of `line`. */
  async function offers(line: string): Promise<string[]> {
    const { stdout: script } = await krown(['completion', 'bash'])
    const words = line.split(' ')
    const program = `${script}
      complete -p krown > /dev/null || exit 1
      COMP_WORDS=(${words.map((word) => `'${word}'`).join(' ')})
      COMP_CWORD=${words.length - 1}
      _krown
      printf '%s\\n' "\${COMPREPLY[@]}"`
    const { stdout, stderr, status } = spawnSync('bash', ['--norc', '-u', '-c', program], {
      encoding: 'utf8',
    })
    expect([status, stderr]).toEqual([0, ''])
    return stdout.split('\n').filter(Boolean)
  }

  test.each([
    ['krown se', ['sessions']],
    ['krown sessions ', ['open', 'ls', 'show', 'close', '--url', '--json', '--help']],
    ['krown sessions ls --st', ['--status']],
    ['krown sessions ls --status ', ['connecting', 'connected', 'disconnected', 'error']],
    ['krown commands --json ls --status c', ['completed', 'cancelled']],
    ['krown exec host --pa', ['--password-stdin']],
    ['krown completion b', ['bash']],
    ['krown access explain ada web1 sh', ['shell']],
    ['krown access grant x --verb e', ['exec']],
    ['krown exec host -- krown se', []],
    ['krown exec -i ', []],
    ['krown shell web1 --es', ['--escape']],
    ['krown attach --ta', ['--take-over']],
    ['krown channels l', ['ls']],
  ])('bash: %s', async (line, expected) => {
    expect(await offers(line)).toEqual(expected)
  })

  test.each(['bash', 'zsh', 'fish'])('%s can read what it is given', async (shell) => {
    const { stdout, exitCode } = await krown(['completion', shell])
    expect([exitCode, stdout]).toEqual([0, expect.stringContaining('set-role')])
    if (!hasShell(shell)) return
    const flags = shell === 'fish' ? ['--no-execute'] : ['-n']
    const { status, stderr } = spawnSync(shell, flags, { input: stdout, encoding: 'utf8' })
    expect([status, stderr]).toEqual([0, ''])
  })
})
