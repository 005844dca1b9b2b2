import { createHash } from 'node:crypto'
import { describe, expect, test } from 'vitest'
import { readKnownHosts } from './known-hosts-file.js'

/** A key blob that begins as those of its type do. */
function keyOf(algorithm: string, rest = 'key'): string {
  const length = Buffer.alloc(4)
  length.writeUInt32BE(algorithm.length)
  return Buffer.concat([length, Buffer.from(algorithm), Buffer.from(rest)]).toString('base64')
}

const ED25519 = keyOf('ssh-ed25519')
const FINGERPRINT = `SHA256:${createHash('sha256').update(Buffer.from(ED25519, 'base64')).digest('base64').replace(/=+$/, '')}`

const read = (text: string) => [...readKnownHosts(text)]
const HASHED = `|1|${'A'.repeat(27)}=|${'A'.repeat(27)}=`

describe('a known_hosts file', () => {
  test('is read line by line, without empty ones and comments', () => {
    const text = `# mine\r\n\n  \t\nweb1 ssh-ed25519 ${ED25519} a comment\r\n\t web2,10.0.0.2\tssh-ed25519\t${ED25519}\n`
    expect(read(text)).toEqual([
      { line: 4, mark: 'trusted', hosts: 'web1', algorithm: 'ssh-ed25519', fingerprint: FINGERPRINT },
      {
        line: 5,
        mark: 'trusted',
        hosts: 'web2,10.0.0.2',
        algorithm: 'ssh-ed25519',
        fingerprint: FINGERPRINT,
      },
    ])
  })

  test.each([
    ['@revoked', 'revoked'],
    ['@cert-authority', 'cert_authority'],
  ])('knows the mark %s', (mark, as) => {
    expect(read(`${mark} *.example.com ssh-ed25519 ${ED25519}`)).toMatchObject([
      { mark: as, hosts: '*.example.com' },
    ])
  })

  test.each([
    ['@trusted web1 ssh-ed25519 AAAA', 'has a mark that is not known'],
    ['web1', 'has no key'],
    ['web1 ssh-ed25519', 'has no key'],
    ['@revoked web1', 'has no key'],
    ['web1 1024 35 1234567', 'has a key for SSH 1'],
    ['web1 ssh-ed25519 not-base64!', 'has a damaged key'],
    ['web1 ssh-ed25519 AAAA', 'has a damaged key'],
    [`web1 ssh-rsa ${ED25519}`, 'has a damaged key'],
    [
      `web1 ssh-ed25519-cert-v01@openssh.com ${keyOf('ssh-ed25519-cert-v01@openssh.com')}`,
      'has a certificate in place of a key',
    ],
    [`|1|AAAA|AAAA ssh-ed25519 ${ED25519}`, 'has a damaged hashed host'],
    [`|9|x|y ssh-ed25519 ${ED25519}`, 'has a damaged hashed host'],
    [`wéb ssh-ed25519 ${ED25519}`, 'has a host that is not in plain text'],
    [`a\u0000b ssh-ed25519 ${ED25519}`, 'has a host that is not in plain text'],
    [`${'h,'.repeat(600)} ssh-ed25519 ${ED25519}`, 'names too many hosts'],
    [`web1 ssh-ed25519 ${'A'.repeat(40_000)}`, 'is too long'],
  ])('skips %j', (text, skipped) => {
    const [line] = read(`\n${text}`)
    expect(line).toMatchObject({ line: 2, skipped })
  })

  test('keeps hashed names as they are', () => {
    expect(read(`${HASHED} ssh-ed25519 ${ED25519}`)).toMatchObject([{ hosts: HASHED }])
  })

  test('of anything at all is read without failing', () => {
    const pieces = [
      '|1|',
      '@revoked ',
      '!',
      '*',
      ',',
      '[',
      ']:',
      '\n',
      '\r',
      '\t',
      ' ',
      '#',
      'web',
      '\ud800',
      'é',
      ED25519,
    ]
    let seed = 42
    const next = () => {
      seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648
      return seed
    }
    for (let round = 0; round < 2_000; round += 1) {
      const text = Array.from({ length: next() % 20 }, () => pieces[next() % pieces.length]).join('')
      for (const { line } of read(text)) expect(line).toBeGreaterThan(0)
    }
  })
})
