import { type AttachOptions, type ChannelEvent, KrownClientError, type RemoteKrownClient } from '@krown/sdk'
import { expect, test } from 'vitest'
import { SteadyChannel } from './steady-channel.js'

type Script = readonly (ChannelEvent | Error)[]

const lost = () => new KrownClientError('CONNECTION_LOST', 'lost', { kind: 'unavailable' })
const gone = () => new KrownClientError('NOT_FOUND', 'gone', { kind: 'not_found' })
const output = (offset: number, text: string): ChannelEvent => {
  return { type: 'output', stream: 'stdout', offset, data: Buffer.from(text) }
}
const CLOSED = { type: 'closed', command: { id: 'c', status: 'completed', exitCode: 0 } } as ChannelEvent

/** A channel whose attachments go as they are told to; an error as the first thing refuses to attach. */
function doorsFor(scripts: Script[], { role = 'driver' } = {}) {
  const attached: AttachOptions[] = []
  const takenOver: number[] = []
  const attach = async (_: string, options: AttachOptions) => {
    attached.push(options)
    const [first, ...rest] = scripts.shift() ?? [lost()]
    if (first instanceof Error && rest.length === 0 && attached.length > 1) throw first
    const script = first === undefined ? rest : [first, ...rest]
    const handle = {
      id: 'c',
      role: attached.length === 1 ? 'driver' : role,
      channel: { keyboard: 'me' },
      offset: options.offset ?? 0,
      takeOver: async () => {
        takenOver.push(attached.length)
        handle.role = 'driver'
      },
      detach: async () => undefined,
      async *events() {
        for (const event of script) {
          if (event instanceof Error) throw event
          if (event.type === 'output') handle.offset = event.offset + event.data.length
          yield event
        }
      },
    }
    return handle
  }
  const commands = { get: async () => ({ id: 'c', status: 'interrupted' }) }
  return { attached, takenOver, doors: { channels: { attach }, commands } as unknown as RemoteKrownClient }
}

async function follow(doors: RemoteKrownClient) {
  const way: string[] = []
  const channel = await SteadyChannel.attach(doors, 'c' as never, {
    way: { lost: () => way.push('lost'), back: () => way.push('back') },
  })
  const events: ChannelEvent[] = []
  for await (const event of channel.events()) events.push(event)
  const text = events.map((event) => (event.type === 'output' ? Buffer.from(event.data).toString() : ''))
  return { way, text: text.join(''), last: events.at(-1) }
}

test('goes on at the byte after the last one when the connection broke, and says so', async () => {
  const { doors, attached } = doorsFor([[output(0, 'abc'), lost()], [lost()], [output(3, 'def'), CLOSED]])
  expect(await follow(doors)).toMatchObject({
    way: ['lost', 'back'],
    text: 'abcdef',
    last: { type: 'closed' },
  })
  expect(attached.slice(1)).toEqual([
    { offset: 3, role: 'driver' },
    { offset: 3, role: 'driver' },
  ])
})

test('takes its own keyboard back from the place that the server still keeps for it', async () => {
  const { doors, takenOver } = doorsFor([[lost()], [CLOSED]], { role: 'watcher' })
  await follow(doors)
  expect(takenOver).toEqual([2])
})

test('hears how it ended while the connection was lost', async () => {
  const { doors } = doorsFor([[lost()], [gone()]])
  expect((await follow(doors)).last).toMatchObject({ type: 'closed', command: { status: 'interrupted' } })
})

test('a refusal is no reason to try again', async () => {
  const forbidden = new KrownClientError('FORBIDDEN', 'no', { kind: 'forbidden' })
  const { doors, attached } = doorsFor([[forbidden, CLOSED]])
  await expect(follow(doors)).rejects.toMatchObject({ code: 'FORBIDDEN' })
  expect(attached).toHaveLength(1)
})
