import { describe, expect, test } from 'vitest'
import { formatBar, Progress } from './progress.js'

function terminal(isTTY: boolean, env: NodeJS.ProcessEnv = {}) {
  const written: string[] = []
  const stderr = { isTTY, write: (text: string) => written.push(text) > 0 }
  return { io: { stderr: stderr as unknown as NodeJS.WriteStream & { fd: 2 }, env }, written }
}

describe('a bar', () => {
  test.each([
    [0, 4, `[${'-'.repeat(24)}] 0/4`],
    [1, 4, `[${'#'.repeat(6)}${'-'.repeat(18)}] 1/4`],
    [4, 4, `[${'#'.repeat(24)}] 4/4`],
    [9, 4, `[${'#'.repeat(24)}] 9/4`],
    [0, 0, `[${'#'.repeat(24)}] 0/0`],
  ])('of %i of %i', (done, total, bar) => {
    expect(formatBar(done, total)).toBe(bar)
  })

  test('is shown on a terminal, and gone at the end', () => {
    const { io, written } = terminal(true)
    {
      using progress = new Progress(io, { total: 2, json: false })
      progress.show(1)
    }
    expect(written).toEqual([`\r\u001b[K${formatBar(1, 2)}`, '\r\u001b[K'])
  })

  test.each([
    ['to a file', { isTTY: false, env: {}, json: false }],
    ['on a terminal that can do nothing', { isTTY: true, env: { TERM: 'dumb' }, json: false }],
    ['where JSON is wanted', { isTTY: true, env: {}, json: true }],
  ])('is not shown %s', (_, { isTTY, env, json }) => {
    const { io, written } = terminal(isTTY, env)
    {
      using progress = new Progress(io, { total: 2, json })
      progress.show(1)
    }
    expect(written).toEqual([])
  })
})
