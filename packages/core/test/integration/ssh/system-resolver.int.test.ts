import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTempDir } from '@krown/testkit'
import { describe, expect, test } from 'vitest'
import { SystemResolver } from '../../../src/ssh/system-resolver.js'

type Answer = { a?: string[]; aaaa?: string[]; failure?: number } | 'silence'

const REFUSED = 5
const NO_SUCH_NAME = 3
const patient = new AbortController().signal

describe('SystemResolver', () => {
  test('gives every address of both families that DNS knows', async () => {
    await using dns = await startDns({ a: ['192.0.2.1', '192.0.2.2'], aaaa: ['2001:db8::1'] })
    await using resolver = await testResolver(dns)
    const found = await resolver.resolve('host.test', patient)
    expect(found).toEqual(['192.0.2.1', '192.0.2.2', '2001:db8::1'])
  })

  test('prefers the hosts file, in any case and with comments, and asks nobody then', async () => {
    await using dns = await startDns({ a: ['192.0.2.1'] })
    await using resolver = await testResolver(
      dns,
      '# 192.0.2.9 host.test\n10.0.0.1\tHOST.test alias # x\n10.0.0.2 host.test\n',
    )
    expect(await resolver.resolve('Host.test', patient)).toEqual(['10.0.0.1', '10.0.0.2'])
    expect(dns.questions).toBe(0)
  })

  test('is content with one family when the server fails on the other', async () => {
    await using dns = await startDns((type) => (type === 'a' ? { a: ['192.0.2.1'] } : { failure: REFUSED }))
    await using resolver = await testResolver(dns)
    expect(await resolver.resolve('host.test', patient)).toEqual(['192.0.2.1'])
  })

  test('asks the operating system for a name that DNS does not know', async () => {
    await using dns = await startDns({ failure: NO_SUCH_NAME })
    await using resolver = await testResolver(dns)
    expect(await resolver.resolve('localhost', patient)).toContain('127.0.0.1')
  })

  test('passes on the failure of the server', async () => {
    await using dns = await startDns({ failure: REFUSED })
    await using resolver = await testResolver(dns)
    await expect(resolver.resolve('host.test', patient)).rejects.toMatchObject({ code: 'EREFUSED' })
  })

  test('E07: stops asking a silent server as soon as it is told', async () => {
    await using dns = await startDns('silence')
    await using resolver = await testResolver(dns)
    const abort = new AbortController()
    const resolving = resolver.resolve('host.test', abort.signal)
    await dns.asked

    abort.abort()

    await expect(resolving).rejects.toMatchObject({ code: 'ECANCELLED' })
  })
})

async function testResolver(dns: { port: number }, hosts = '') {
  const dir = await createTempDir()
  const hostsFile = join(dir.path, 'hosts')
  await writeFile(hostsFile, hosts)
  const { resolve } = new SystemResolver({ hostsFile, servers: [`127.0.0.1:${dns.port}`] })
  return { resolve, [Symbol.asyncDispose]: () => dir.stop() }
}

/** A name server with one answer for every name. */
async function startDns(answer: Answer | ((type: 'a' | 'aaaa') => Answer)) {
  const socket = createSocket('udp4')
  const server = { port: 0, questions: 0, asked: once(socket, 'message') }
  socket.on('message', (query, from) => {
    server.questions += 1
    // The type is the last but one field of the only question: before the class, and before EDNS if any.
    const nameEnd = query.indexOf(0, 12)
    const type = query.readUInt16BE(nameEnd + 1) === 28 ? 'aaaa' : 'a'
    const said = typeof answer === 'function' ? answer(type) : answer
    if (said !== 'silence')
      socket.send(reply(query.subarray(0, nameEnd + 5), said, type), from.port, from.address)
  })
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  server.port = socket.address().port
  return Object.assign(server, {
    async [Symbol.asyncDispose]() {
      socket.close()
      await once(socket, 'close')
    },
  })
}

function reply(query: Buffer, answer: Exclude<Answer, 'silence'>, type: 'a' | 'aaaa'): Buffer {
  const records = (answer[type] ?? []).map((address) => record(type, address))
  const header = Buffer.from(query)
  // Response, recursion available, and the code.
  header.writeUInt16BE(0x8180 | (answer.failure ?? 0), 2)
  header.writeUInt16BE(1, 4)
  header.writeUInt16BE(records.length, 6)
  header.writeUInt32BE(0, 8)
  return Buffer.concat([header, ...records])
}

function record(type: 'a' | 'aaaa', address: string): Buffer {
  const data = type === 'a' ? Buffer.from(address.split('.').map(Number)) : ipv6(address)
  const head = Buffer.alloc(12)
  // A pointer to the name in the question.
  head.writeUInt16BE(0xc00c, 0)
  head.writeUInt16BE(type === 'a' ? 1 : 28, 2)
  head.writeUInt16BE(1, 4)
  head.writeUInt16BE(data.length, 10)
  return Buffer.concat([head, data])
}

function ipv6(address: string): Buffer {
  const [before = '', after = ''] = address.split('::')
  const groups = (text: string) => text.split(':').filter(Boolean)
  const zeros = Array.from({ length: 8 - groups(before).length - groups(after).length }, () => '0')
  const all = [...groups(before), ...zeros, ...groups(after)].map((group) => Number.parseInt(group, 16))
  return Buffer.from(all.flatMap((group) => [group >> 8, group & 255]))
}
