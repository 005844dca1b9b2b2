import { expect, test } from 'vitest'
import { UnderWay } from './under-way.js'

const KIB = 1024
const text = 'x'.repeat(100 * KIB)

function holder() {
  const end = new AbortController()
  return { over: end.signal, heldBytes: 0, end: () => end.abort() }
}

const small = { userBytes: 100 * KIB, totalBytes: 150 * KIB, patienceMs: 0 }
const ada = { userId: 'ada', isRead: true }
const bob = { userId: 'bob', isRead: true }
const run = (underWay: UnderWay, userId: string) => underWay.run(userId, async () => 'ran', { waits: false })

test('C24: while answers of a user are not taken, nothing more is begun for that user', async () => {
  const underWay = new UnderWay(small)
  const first = holder()
  await underWay.admit(first, text, ada)
  await expect(run(underWay, 'ada')).rejects.toMatchObject({ code: 'RATE_LIMITED', retryAfterMs: 1000 })
  expect(await run(underWay, 'bob')).toBe('ran')
  first.end()
  expect(await run(underWay, 'ada')).toBe('ran')
})

test('C24: and for nobody, while those of all are too much', async () => {
  const underWay = new UnderWay(small)
  const [first, second] = [holder(), holder()]
  await underWay.admit(first, text, ada)
  await underWay.admit(second, text, bob)
  await expect(run(underWay, 'eve')).rejects.toMatchObject({ code: 'UNAVAILABLE', retryAfterMs: 1000 })
  second.end()
  expect(await run(underWay, 'eve')).toBe('ran')
})

test('a large answer waits until there is room', async () => {
  const underWay = new UnderWay({ ...small, patienceMs: 60_000 })
  const [first, second] = [holder(), holder()]
  await underWay.admit(first, text, ada)
  let told = false
  const waiting = underWay.admit(second, text, ada).then((answer) => {
    told = true
    return answer
  })
  expect(await underWay.admit(holder(), 'a small one', ada)).toBe('a small one')
  expect(told).toBe(false)
  first.end()
  expect(await waiting).toBe(text)
})

test('where none comes up, what was read is refused, and what was done is told without its output', async () => {
  const underWay = new UnderWay(small)
  await underWay.admit(holder(), text, ada)
  await expect(underWay.admit(holder(), text, ada)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
  const command = { id: 'c-1', exitCode: 0, stdout: text, stderr: '', stdoutTruncated: false }
  expect(await underWay.admit(holder(), command, { ...ada, isRead: false })).toEqual({
    id: 'c-1',
    exitCode: 0,
    stdout: '',
    stderr: '',
    stdoutTruncated: true,
    stderrTruncated: true,
  })
})

test('the second answer of a batch does not wait for the first', async () => {
  const underWay = new UnderWay({ ...small, patienceMs: 60_000 })
  const batch = holder()
  await underWay.admit(batch, text, ada)
  const command = { stdout: text }
  expect(await underWay.admit(batch, command, { ...ada, isRead: false })).toBe(command)
  await expect(underWay.admit(batch, text, ada)).rejects.toMatchObject({ code: 'RATE_LIMITED' })
})

test('what has to be escaped counts as long as it gets', async () => {
  const underWay = new UnderWay(small)
  await underWay.admit(holder(), { stdout: '\u0001'.repeat(17 * KIB) }, ada)
  await expect(run(underWay, 'ada')).rejects.toMatchObject({ code: 'RATE_LIMITED' })
})
