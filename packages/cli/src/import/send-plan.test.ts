import type { ImportTargetsInput } from '@krown/sdk'
import { expect, test } from 'vitest'
import type { PlannedTarget } from './planned-target.js'
import { partsOf, sendPlan } from './send-plan.js'

const target = (name: string, more: Partial<PlannedTarget> = {}): PlannedTarget => ({
  name,
  host: `${name}.example.com`,
  port: 22,
  username: 'root',
  tags: [],
  jump: null,
  stated: ['host', 'port', 'username', 'jump'],
  ...more,
})
const USUAL = { username: 'me', credentialId: undefined }
const many = Array.from({ length: 600 }, (_, n) => target(`h${n}`, n > 0 ? { jump: 'h0' } : {}))

/** Answers as if nothing had been there. */
function server() {
  const calls: ImportTargetsInput[] = []
  const targets = {
    import: async (input: ImportTargetsInput) => {
      calls.push(input)
      const items = input.targets.map(({ name }) => ({
        name,
        outcome: 'created' as const,
        targetId: null,
        changed: [],
        reason: null,
      }))
      return { dryRun: input.dryRun ?? false, items }
    },
  }
  return { calls, client: { targets } as never }
}

test('a plan is sent in parts, in its order, each below what a server takes', async () => {
  const { calls, client } = server()
  const told: number[] = []
  const items = await sendPlan(client, many, {
    ...USUAL,
    dryRun: false,
    onProgress: (done) => told.push(done),
  })
  expect(items.map(({ name }) => name)).toEqual(many.map(({ name }) => name))
  expect(calls.map(({ targets }) => targets.length)).toEqual([250, 250, 100])
  expect(told).toEqual([0, 250, 500])
  const long = Array.from({ length: 64 }, (_, n) => target(`l${n}`, { tags: Array(64).fill('x'.repeat(60)) }))
  for (const part of partsOf(long)) expect(JSON.stringify(part).length).toBeLessThan(256 * 1024)
})

test('in a dry run the jump hosts of earlier parts come along, and are answered once', async () => {
  const { calls, client } = server()
  const items = await sendPlan(client, many, { ...USUAL, dryRun: true, onProgress: () => {} })
  expect(items.map(({ name }) => name)).toEqual(many.map(({ name }) => name))
  expect(calls.map(({ targets }) => targets[0]?.name)).toEqual(['h0', 'h0', 'h0'])
})

test('a target that the server cannot read is refused with the reason, and the others are sent again', async () => {
  const { calls, client: taking } = server()
  const refuse = (input: ImportTargetsInput): never => {
    const at = input.targets.findIndex(({ name }) => name === 'bad')
    const fields = [{ path: `targets.${at}.host`, message: 'must be a host name' }]
    const facts = { name: 'KrownError', code: 'VALIDATION_FAILED', details: { fields } }
    throw Object.assign(new Error('not valid'), facts)
  }
  const targets = {
    import: async (input: ImportTargetsInput) =>
      input.targets.some(({ name }) => name === 'bad')
        ? refuse(input)
        : (taking as { targets: { import(input: ImportTargetsInput): unknown } }).targets.import(input),
  }
  const plan = [target('a'), target('bad'), target('b')]
  const options = { ...USUAL, dryRun: false, onProgress: () => {} }
  const items = await sendPlan({ targets } as never, plan, options)
  expect(items.map(({ name, outcome, reason }) => [name, outcome, reason])).toEqual([
    ['a', 'created', null],
    ['bad', 'refused', 'its host must be a host name'],
    ['b', 'created', null],
  ])
  expect(calls.map(({ targets: sent }) => sent.length)).toEqual([2])
})

test('only what a file says is sent', async () => {
  const { calls, client } = server()
  const plan = [target('web1', { stated: ['username'], tags: ['web'] })]
  await sendPlan(client, plan, { ...USUAL, dryRun: false, onProgress: () => {} })
  expect(calls).toMatchObject([{ username: 'me' }])
  expect(calls[0]?.targets).toEqual([{ name: 'web1', username: 'root', tags: ['web'] }])
})
