import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { runProcess, startProcess } from '../src/child-process.js'
import { waitFor } from '../src/index.js'
import { isAlive, processTree, signalAll } from '../src/process-tree.js'

const shell = (script: string) => ({ command: '/bin/sh', args: ['-c', script] })

describe('startProcess', () => {
  test('waits for a line of output', async () => {
    const child = startProcess(shell('echo port 4711 >&2; exec sleep 1000'))
    expect((await child.untilLog(/port (\d+)/))[1]).toBe('4711')
    await child.stop()
    expect(isAlive(child.pid)).toBe(false)
  })

  test('tells the output of a program that ended before it was ready', async () => {
    const child = startProcess(shell('echo no such option; exit 1'))
    await expect(child.untilLog(/ready/)).rejects.toThrow('no such option')
  })

  test('tells that a program is missing', async () => {
    const child = startProcess({ command: '/no/such/program', args: [] })
    await expect(child.untilLog(/ready/)).rejects.toThrow('ENOENT')
    await child.stop()
  })

  test('the child dies with its starter, even if that is killed', async () => {
    const source = fileURLToPath(new URL('../src/child-process.ts', import.meta.url))
    const script = `import { startProcess } from '${source}'
      process.stdout.write(startProcess({ command: 'sleep', args: ['1000'] }).pid + '\\n')
      setInterval(() => {}, 1000)`
    const args = ['--import', 'tsx', '--input-type=module', '-e', script]
    const starter = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
    const pid = Number(String((await once(starter.stdout, 'data'))[0]))
    expect(isAlive(pid)).toBe(true)
    starter.kill('SIGKILL')
    await waitFor(() => !isAlive(pid), { what: 'the child to die' })
  })
})

describe('runProcess', () => {
  test('gives input and returns output', async () => {
    expect(await runProcess({ command: 'cat', args: [] }, 'hello')).toBe('hello')
  })

  test('fails with what the program said', async () => {
    await expect(runProcess(shell('echo sorry >&2; exit 3'))).rejects.toThrow(/3: sorry/)
  })
})

test('processTree finds grandchildren', async () => {
  const child = startProcess(shell('(sleep 1000; :) & echo ready; wait'))
  await child.untilLog(/ready/)
  const tree = await waitFor(
    async () => {
      const found = await processTree(child.pid)
      return found.length === 3 && found
    },
    { what: 'three generations' },
  )
  signalAll(tree, 'SIGKILL')
  await waitFor(() => tree.every((pid) => !isAlive(pid)), { what: 'all to end' })
})

test.each([0, 1, -1, Number.NaN])('signalAll refuses %s, which stands for more than one process', (pid) => {
  expect(() => signalAll([pid], 'SIGCONT')).toThrow(/refusing/)
})
