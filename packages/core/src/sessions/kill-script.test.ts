import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { expect, test } from 'vitest'
import { KILL_SCRIPT, readProcessList } from './kill-script.js'

/** Children of this process, each leading its own group, as those of sshd do. */
async function startGroup(command: string, args: string[]): Promise<ChildProcess> {
  const child = spawn(command, args, { detached: true })
  await once(child, 'spawn')
  return child
}

async function startSleepers(count: number): Promise<ChildProcess[]> {
  const sleepers: ChildProcess[] = []
  for (let i = 0; i < count; i += 1) sleepers.push(await startGroup('/bin/sleep', ['1000']))
  return sleepers
}

async function end(children: readonly ChildProcess[]): Promise<void> {
  for (const child of children) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    child.kill('SIGKILL')
    await once(child, 'exit')
  }
}

/** The next list that the script prints. */
async function nextList(script: ChildProcess): Promise<number[]> {
  let printed = ''
  for (;;) {
    const [chunk] = await once(script.stdout as NodeJS.ReadableStream, 'data')
    printed += chunk
    const list = readProcessList(printed)
    if (list) return list
  }
}

/** The process that was just signalled may be on the lists until its parent has noticed. */
async function laterList(
  script: ChildProcess,
  isIt: (list: readonly number[]) => boolean,
): Promise<number[]> {
  for (let list = await nextList(script); ; list = await nextList(script)) {
    if (isIt(list)) return list
    script.stdin?.write('again\n')
  }
}

test('the script lists the groups that were there before it, in the order in which they started', async () => {
  const older = await startSleepers(3)
  const script = await startGroup('/bin/sh', ['-c', KILL_SCRIPT])
  const [list, younger] = await Promise.all([nextList(script), startSleepers(1)])
  expect(list).toEqual(older.map(({ pid }) => pid))
  await end([...older, ...younger, script])
})

test('the script signals the group that it is told to, and no other', async () => {
  const children = await startSleepers(3)
  const script = await startGroup('/bin/sh', ['-c', KILL_SCRIPT])
  await nextList(script)
  script.stdin?.write('again\n')
  const [, meant] = await nextList(script)
  const ended = once(children[1] as ChildProcess, 'exit')
  script.stdin?.write(`TERM ${meant}\n`)
  expect(await ended).toEqual([null, 'SIGTERM'])
  expect(children.map(({ signalCode }) => signalCode)).toEqual([null, 'SIGTERM', null])
  const others = [children[0]?.pid, children[2]?.pid]
  expect(await laterList(script, (list) => list.length === 2)).toEqual(others)
  await end([...children, script])
})

test('the script ends with its input and signals nothing', async () => {
  const [child] = await startSleepers(1)
  const script = await startGroup('/bin/sh', ['-c', KILL_SCRIPT])
  const exited = once(script, 'exit')
  await nextList(script)
  script.stdin?.end()
  expect(await exited).toEqual([0, null])
  expect(child?.signalCode).toBeNull()
  await end(child ? [child] : [])
})

test('a list is read once it is whole, whatever else the login shell prints', () => {
  expect(readProcessList('')).toBeUndefined()
  expect(readProcessList('krown-running: 12 34')).toBeUndefined()
  expect(readProcessList('welcome!\nkrown-running: 12 34\n')).toEqual([12, 34])
  expect(readProcessList('krown-running:\n')).toEqual([])
  expect(readProcessList('krown-running: 1\nkrown-running: 2\n')).toEqual([2])
  expect(readProcessList('krown-running: -1\n')).toBeUndefined()
  expect(readProcessList('echo krown-running: 1\n')).toBeUndefined()
})
