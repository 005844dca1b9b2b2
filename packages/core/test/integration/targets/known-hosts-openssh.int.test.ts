import { execFile } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import { createTempDir, generateKey } from '@krown/testkit'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compileHostPattern, knownHostsName } from '../../../src/targets/host-keys/host-pattern.js'
import { readKnownHosts } from '../../../src/targets/host-keys/known-hosts-file.js'

const run = promisify(execFile)
const keys = [generateKey(), generateKey({ type: 'ecdsa' }), generateKey({ type: 'rsa', bits: 2048 })]
const keyText = (place: number) => keys[place % keys.length]?.publicKey.split(' ').slice(0, 2).join(' ')

const FIELDS = [
  'web1',
  'WEB2.Example.COM',
  'web1,10.0.0.1',
  '[web1]:2222',
  '[10.0.0.1]:2222,[web3]:2222',
  '*.example.com',
  '*.example.com,!db.example.com',
  '!db.example.com,*.example.com',
  'web?',
  '[*.example.com]:2222',
  '10.0.0.*',
  '2001:db8::1',
  '[2001:db8::1]:2222',
  '*',
  '!*',
  'web.example.com,,web1',
]

const PLACES: readonly [string, number][] = [
  ['web1', 22],
  ['web1', 2222],
  ['web2.example.com', 22],
  ['web3', 2222],
  ['db.example.com', 22],
  ['db.example.com', 2222],
  ['web.example.com', 22],
  ['10.0.0.1', 22],
  ['10.0.0.1', 2222],
  ['10.0.0.99', 22],
  ['2001:db8::1', 22],
  ['2001:db8::1', 2222],
  ['nobody', 22],
]

let dir: Awaited<ReturnType<typeof createTempDir>>
beforeAll(async () => {
  dir = await createTempDir()
})
afterAll(() => dir.stop())

/** The lines that OpenSSH finds for this host. */
async function foundByOpenSsh(file: string, name: string): Promise<number[]> {
  const { stdout } = await run('ssh-keygen', ['-F', name, '-f', file]).catch(
    (error: { stdout: string }) => error,
  )
  return [...stdout.matchAll(/found: line (\d+)/g)].map(([, line]) => Number(line))
}

async function foundByUs(file: string, name: string): Promise<number[]> {
  const lines = [...readKnownHosts(await readFile(file, 'utf8'))]
  return lines.filter(({ hosts }) => compileHostPattern(hosts)(name)).map(({ line }) => line)
}

describe('a known_hosts file means to Krown what it means to OpenSSH', () => {
  test.each(['as it was written', 'after ssh-keygen -H'])('%s', async (how) => {
    const file = `${dir.path}/known_hosts`
    const text = FIELDS.map((field, place) => `${field} ${keyText(place)} comment ${place}\n`).join('')
    await writeFile(file, text)
    if (how === 'after ssh-keygen -H') {
      await run('ssh-keygen', ['-H', '-f', file])
      expect(await readFile(file, 'utf8')).toContain('|1|')
    }
    let found = 0
    for (const [host, port] of PLACES) {
      const name = knownHostsName(host, port)
      const expected = await foundByOpenSsh(file, name)
      expect([name, await foundByUs(file, name)]).toEqual([name, expected])
      found += expected.length
    }
    expect(found).toBeGreaterThan(PLACES.length)
  })

  test('and so do its fingerprints and marks', async () => {
    const file = `${dir.path}/marked`
    await writeFile(
      file,
      keys
        .map((_, place) => `${['', '@revoked ', '@cert-authority '][place]}web1 ${keyText(place)}\n`)
        .join(''),
    )
    const { stdout } = await run('ssh-keygen', ['-lf', file])
    const lines = [...readKnownHosts(await readFile(file, 'utf8'))]
    expect(lines).toMatchObject([{ mark: 'trusted' }, { mark: 'revoked' }, { mark: 'cert_authority' }])
    for (const [place, line] of lines.entries()) {
      const fingerprint = 'fingerprint' in line ? line.fingerprint : ''
      expect(fingerprint).toBe(keys[place]?.fingerprint)
      // ssh-keygen leaves out what is not plainly trusted.
      if (place === 0) expect(stdout).toContain(fingerprint)
    }
  })
})
