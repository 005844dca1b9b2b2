import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTempDir, generateKey } from '@krown/testkit'
import { expect, test } from 'vitest'
import { readPrivateKey } from './private-key.js'

test.each([
  ['ed25519', 'openssh'],
  ['rsa', 'openssh'],
  ['rsa', 'pkcs8'],
  ['rsa', 'pem'],
  ['ecdsa', 'pem'],
] as const)('tells a key of type %s as %s with a passphrase from one without', async (type, format) => {
  await using directory = await createTempDir()
  const read = async (passphrase?: string) => {
    const path = join(directory.path, passphrase ?? 'plain')
    const { privateKey } = generateKey({ type, format, ...(passphrase && { passphrase }) })
    await writeFile(path, privateKey)
    const { text, isEncrypted } = await readPrivateKey(path)
    return [text === privateKey, isEncrypted]
  }
  expect([await read(), await read('a passphrase')]).toEqual([
    [true, false],
    [true, true],
  ])
})

test('reads a pipe to its end, however slowly it is filled', async () => {
  await using directory = await createTempDir()
  const path = join(directory.path, 'pipe')
  const { privateKey } = generateKey()
  await writeFile(`${path}.key`, privateKey)
  const script = 'mkfifo "$0"; { head -c 20 "$0.key"; sleep 0.2; tail -c +21 "$0.key"; } > "$0" & echo made'
  const writer = spawn('sh', ['-c', script, path], { stdio: ['ignore', 'pipe', 'inherit'] })
  await once(writer.stdout, 'data')
  expect((await readPrivateKey(path)).text).toBe(privateKey)
})

test.each([
  ['a public key', generateKey().publicKey],
  ['nothing', ''],
  ['more than a key has', 'x'.repeat(65_537)],
])('refuses a file that holds %s', async (_, text) => {
  await using directory = await createTempDir()
  const path = join(directory.path, 'file')
  await writeFile(path, text)
  await expect(readPrivateKey(path)).rejects.toMatchObject({ name: 'CliError', exitCode: 2 })
})
