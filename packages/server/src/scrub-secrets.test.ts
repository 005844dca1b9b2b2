import { generateKey } from '@krown/testkit'
import { expect, test } from 'vitest'
import { scrubSecrets } from './scrub-secrets.js'

test.each([
  ['a JSON web token', 'bad eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln here', 'bad [token] here'],
  ['one of our tokens', 'refused krn_pat_0aZ_secretSECRET_abc123', 'refused [token]'],
  [
    'the password of a URL',
    'connect postgres://krown:hunter2@db/krown',
    'connect postgres://krown:[secret]@db/krown',
  ],
])('%s is taken out', (_what, text, scrubbed) => {
  expect(scrubSecrets(text)).toBe(scrubbed)
})

test('a private key is taken out, also when it is cut', () => {
  const { privateKey } = generateKey()
  expect(scrubSecrets(`cannot read ${privateKey}`)).toMatch(/^cannot read \[private key\]\s*$/)
  expect(scrubSecrets(`cannot read ${privateKey.slice(0, 80)}`)).toBe('cannot read [private key]')
})

test('other text stays as it is', () => {
  const text = 'connect ECONNREFUSED 127.0.0.1:5432, see https://example.com/a@b'
  expect(scrubSecrets(text)).toBe(text)
})
