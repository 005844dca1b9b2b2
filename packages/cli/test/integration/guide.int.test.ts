import { chmod, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { startLocalSshServer } from '@krown/testkit'
import { runProcess } from '@krown/testkit/child-process'
import { expect, test } from 'vitest'
import { fencedBlocks, readDocument } from '../../../../examples/test/markdown.js'
import { HINTS } from '../../src/output/hints.js'
import { BIN } from '../support/krown.js'
import { PASSWORD, startOffice } from '../support/office.js'

const GUIDE = 'docs/guide/cli.md'

test('the commands of the guide run as they are written, on a server as init makes it', async () => {
  await using office = await startOffice({ ssh: { allowAdhocHosts: false } })
  await using target = await startLocalSshServer()
  const { home } = await office.newDesk()
  const bin = join(home, 'bin')
  await mkdir(join(home, 'my-krown', 'data'), { recursive: true })
  await mkdir(bin)
  await writeFile(join(home, 'my-krown', 'data', 'setup-token'), office.gateway.setupToken)
  await writeFile(join(bin, 'krown'), `#!/bin/sh\nexec "${process.execPath}" "${BIN}" "$@"\n`)
  await chmod(join(bin, 'krown'), 0o755)
  const blocks = fencedBlocks(readDocument(GUIDE)).filter(({ language }) => language === 'bash')
  // The first installs it.
  const steps = blocks.slice(1).map(({ text }) => text)
  // Whoever reads it has tokens of other names.
  const revoking = steps.findIndex((text) => text.includes('tokens revoke'))
  steps.splice(revoking, 0, 'krown tokens create weekly --scope session:read > /dev/null')
  const script = ['set -euo pipefail', ...steps].join('\n')
  const env = {
    PATH: `${bin}:${process.env.PATH}`,
    HOME: home,
    KROWN_URL: office.url,
    PASSWORD,
    SSH_HOST: target.host,
    SSH_PORT: String(target.port),
    SSH_USER: target.username,
    SSH_PASSWORD: target.password,
  }
  const output = await runProcess({ command: 'bash', args: ['-c', script], options: { env, cwd: home } })
  expect(output).toMatch(/^signed in to .* as ada \(admin\)\nname +ada$/m)
  expect(output).toMatch(/^goes to the command\nit exited with 3$/m)
  expect(output).toMatch(/ uptime$/m)
  expect(output).toMatch(/^grace .* is readonly, disabled$/m)
  expect(output).toMatch(/^verified: \d+ entries/m)
  expect(output).toMatch(/^from a script$/m)
  expect(output).toMatch(/^nightly .* is revoked$/m)
}, 120_000)

test('the guide knows every exit code that there is', async () => {
  const { EXIT } = await import('../../src/exit-codes.js')
  const rows = [...readDocument(GUIDE).matchAll(/^\| (\d[\d, ]*)(?: to \d+)? \|/gm)]
  const documented = new Set(rows.flatMap(([, codes = '']) => codes.split(', ').map(Number)))
  for (const code of Object.values(EXIT)) expect(documented).toContain(code)
})

test('every error code has something to do next, or fields that say it', () => {
  const without = Object.entries(HINTS).filter(([, hint]) => hint === null)
  expect(without.map(([code]) => code)).toEqual(['VALIDATION_FAILED'])
})
