import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { gzipSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { SecretScan } from '../src/secret-scan.js'
import { createTempDir } from '../src/temp-dir.js'

const SECRET = 'pass/word+of "somebody"\né'

function findIn(content: string | Uint8Array): string[] {
  const scan = new SecretScan()
  scan.hide('a password', SECRET)
  scan.keep('log', 'stdout', content)
  return scan.found().map(({ form }) => form)
}

describe('a secret is found', () => {
  test.each([
    ['clear', `before ${SECRET} after`],
    ['JSON', JSON.stringify({ nested: { value: SECRET } })],
    ['percent-encoded', `GET /?password=${encodeURIComponent(SECRET)}&x=1`],
    ['hexadecimal', Buffer.from(`x${SECRET}`).toString('hex')],
    ['hexadecimal', Buffer.from(SECRET).toString('hex').toUpperCase()],
    ['UTF-16', Buffer.from(`x${SECRET}`, 'utf16le')],
  ])('written as %s', (form, content) => {
    expect(findIn(content)).toContain(form)
  })

  test.each(['', 'x', 'xx', 'xxx'])('in base64, behind %j', (before) => {
    const whole = Buffer.from(`${before}${SECRET} and more`)
    expect(findIn(`{"data":"${whole.toString('base64')}"}`)).toContain('base64')
    expect(findIn(whole.toString('base64url'))).toContain('base64url')
  })

  test('in files of any depth, with the name of the file', async () => {
    await using dir = await createTempDir()
    mkdirSync(join(dir.path, 'a', 'b'), { recursive: true })
    writeFileSync(join(dir.path, 'a', 'b', 'wal'), Buffer.from(`\0\xff${SECRET}\0`))
    const scan = new SecretScan()
    scan.keepFiles('files', dir.path)
    scan.hide('a password', SECRET)
    expect(scan.found()).toEqual([{ secret: 'a password', place: 'files', source: 'wal', form: 'clear' }])
  })

  test.skipIf(process.platform !== 'linux')('in the arguments and the environment of a process', async () => {
    const child = spawn('sleep', ['600'], { env: { PATH: process.env.PATH, GIVEN: 'in the environment' } })
    try {
      await once(child, 'spawn')
      const scan = new SecretScan()
      scan.hide('one', 'in the environment')
      scan.hide('two', 'sleep\x00600')
      scan.keepProcess('processes', Number(child.pid))
      expect(scan.found().map(({ secret, source }) => [secret, source])).toEqual([
        ['one', 'environ'],
        ['two', 'cmdline'],
      ])
    } finally {
      child.kill('SIGKILL')
    }
  })
})

test('what is not there is not found, and what would be found anywhere is no secret', () => {
  expect(findIn('nothing')).toEqual([])
  expect(findIn(gzipSync(SECRET))).toEqual([])
  expect(() => new SecretScan().hide('short', 'x')).toThrow('short would be found anywhere')
})
