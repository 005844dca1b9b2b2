import { symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createKrownClient } from '@krown/sdk'
import { runProcess } from '@krown/testkit/child-process'
import { startLocalSshServer } from '@krown/testkit/start-local-ssh-server'
import { createTempDir } from '@krown/testkit/temp-dir'
import { expect, test } from 'vitest'
import { startGateway } from '../support/start-gateway.js'
import { fencedBlocks, readDocument } from './markdown.js'
import { CHECKOUT, runExample } from './run-example.js'

test('08: one program does the same on the library and on a server', async () => {
  const output = await runExample('08-sdk/sdk.ts')
  const [, inProcess = '', remote = ''] = output.split(/^(?:in this process|on a server):\n/m)
  expect(inProcess).toBe(
    '  executed, exit code 0\n  part one\n  part two\n  ended with exit code 3\n' +
      '  VALIDATION_FAILED: {"fields":[{"path":"timeoutMs","message":"Too small: expected number to be >=1"}]}\n',
  )
  expect(remote).toBe(inProcess)
})

test.each(['docs/guide/sdk.md', 'packages/sdk/README.md'])(
  'the first program in %s runs as it is written',
  async (path) => {
    await using directory = await createTempDir()
    await using target = await startLocalSshServer()
    await using gateway = await startGateway(directory.path)
    const ada = { username: 'ada', password: 'correct horse battery' }
    await createKrownClient({ url: gateway.url }).auth.register({ ...ada, setupToken: gateway.setupToken })

    const [program] = fencedBlocks(readDocument(path)).filter(({ language }) => language === 'js')
    await symlink(join(CHECKOUT, 'node_modules'), join(directory.path, 'node_modules'))
    await writeFile(join(directory.path, 'program.mjs'), program?.text ?? '')
    const { host, port, username, password } = target
    const env = {
      PATH: process.env.PATH,
      KROWN_URL: gateway.url,
      PASSWORD: ada.password,
      SSH_HOST: host,
      SSH_PORT: String(port),
      SSH_USER: username,
      SSH_PASSWORD: password,
    }
    const output = await runProcess({
      command: process.execPath,
      args: ['program.mjs'],
      options: { cwd: directory.path, env },
    })
    expect(output).toMatch(/^0 \S+ .+\n\n(?:\d+\n){3}completed\n$/)
  },
)
