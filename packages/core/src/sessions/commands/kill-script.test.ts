import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
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

interface Script {
  readonly child: ChildProcess
  /** The next list that it prints. */
  nextList(): Promise<number[]>
  tell(line: string): void
}

async function startScript(): Promise<Script> {
  const child = await startGroup('/bin/sh', ['-c', KILL_SCRIPT])
  // One reader from the start: what is printed while nobody waits must not be lost.
  const lines = createInterface(child.stdout as Readable)[Symbol.asyncIterator]()
  const nextList = async () => {
    for (;;) {
      const { value, done } = await lines.next()
      if (done) throw new Error('the script has ended')
      const list = readProcessList(`${value}\n`)
      if (list) return list
    }
  }
  return { child, nextList, tell: (line) => child.stdin?.write(`${line}\n`) }
}

/** The process that was just signalled may be on the lists until its parent has noticed. */
async function laterList(script: Script, isIt: (list: readonly number[]) => boolean): Promise<number[]> {
  for (let list = await script.nextList(); ; list = await script.nextList()) {
    if (isIt(list)) return list
    script.tell('again')
  }
}

test('the script lists the groups that were there before it, in the order in which they started', async () => {
  const older = await startSleepers(3)
  const script = await startScript()
  const [list, younger] = await Promise.all([script.nextList(), startSleepers(1)])
  expect(list).toEqual(older.map(({ pid }) => pid))
  await end([...older, ...younger, script.child])
})

test('the script signals the group that it is told to, and no other', async () => {
  const children = await startSleepers(3)
  const script = await startScript()
  await script.nextList()
  script.tell('again')
  const [, meant] = await script.nextList()
  const ended = once(children[1] as ChildProcess, 'exit')
  script.tell(`TERM ${meant}`)
  expect(await ended).toEqual([null, 'SIGTERM'])
  expect(children.map(({ signalCode }) => signalCode)).toEqual([null, 'SIGTERM', null])
  const others = [children[0]?.pid, children[2]?.pid]
  expect(await laterList(script, (list) => list.length === 2)).toEqual(others)
  await end([...children, script.child])
})

test('the script ends with its input and signals nothing', async () => {
  const [child] = await startSleepers(1)
  const script = await startScript()
  const exited = once(script.child, 'exit')
  await script.nextList()
  script.child.stdin?.end()
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
