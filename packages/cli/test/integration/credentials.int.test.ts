import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { generateKey } from '@krown/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Desk, type Office, startOffice } from '../support/office.js'

const PASSWORD = 'the password of a target'

let office: Office
let admin: Desk

beforeAll(async () => {
  office = await startOffice()
  admin = await office.desk('admin')
})
afterAll(() => office[Symbol.asyncDispose]())

test('J05: credentials are stored, listed, shown, changed and deleted by name, and no secret is printed', async () => {
  const printed: string[] = []
  const credentials = async (args: string[], stdin = '') => {
    const { stdout, stderr, exitCode } = await admin.krown(['credentials', ...args], { stdin })
    printed.push(stdout, stderr)
    return { stdout, stderr, exitCode }
  }
  const made = await credentials(['create', 'root on db', '--password-stdin'], `${PASSWORD}\n`)
  expect(made.stdout).toMatch(/^root on db \([0-9a-f-]{36}\) is a password\n$/)
  const { privateKey, fingerprint } = generateKey()
  const file = join(admin.home, 'id_ed25519')
  writeFileSync(file, privateKey, { mode: 0o600 })
  const key = await credentials(['create', 'deploy', '-i', file, '--json'])
  expect(JSON.parse(key.stdout)).toMatchObject({ name: 'deploy', kind: 'private_key', fingerprint })

  const list = await credentials(['ls'])
  const [titles = '', first = '', second = ''] = list.stdout.split('\n')
  expect(titles).toMatch(/^ID +KIND +UPDATED +FINGERPRINT +NAME$/)
  expect([first, second]).toEqual([
    expect.stringMatching(/ private key .* deploy$/),
    expect.stringMatching(/ password .* - +root on db$/),
  ])
  expect((await credentials(['show', 'deploy'])).stdout).toContain(String(fingerprint))
  const changes = ['--name', 'root on db1', '--password-stdin']
  const changed = await credentials(['update', 'root on db', ...changes], 'another secret\n')
  expect(changed.stdout).toContain('root on db1 (')
  const refused = await credentials(['update', 'deploy', '--password-stdin'], 'another secret\n')
  expect([refused.exitCode, refused.stderr]).toEqual([2, expect.stringContaining('password')])
  expect((await credentials(['rm', 'deploy'])).stdout).toMatch(/^deploy \(.*\) is deleted\n$/)
  const gone = await credentials(['show', 'deploy'])
  expect([gone.exitCode, gone.stderr]).toEqual([5, expect.stringContaining('no credential deploy')])
  for (const secret of [PASSWORD, 'another secret', privateKey.split('\n')[1] ?? '']) {
    expect(printed.join('')).not.toContain(secret)
  }
})

test('what is to be stored comes from a terminal, standard input or a file, never from the command line', async () => {
  const asked = await admin.krown(['credentials', 'create', 'x'])
  expect([asked.exitCode, asked.stderr]).toEqual([2, expect.stringContaining('--password-stdin')])
  const given = await admin.krown(['credentials', 'create', 'x', '--password', 'secret'])
  expect(given.exitCode).toBe(2)
  const nothing = await admin.krown(['credentials', 'update', 'x'])
  expect([nothing.exitCode, nothing.stderr]).toEqual([2, expect.stringContaining('nothing is to be changed')])
})

test('B02: operators do not come near credentials', async () => {
  const operator = await office.desk('operator')
  const { exitCode, stderr } = await operator.krown(['credentials', 'ls'])
  expect([exitCode, stderr]).toEqual([4, expect.stringContaining('(FORBIDDEN)')])
})
