import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import type { SessionAuth } from '@krown/core'
import { createTempDir, SecretScan, startHostileSshServer } from '@krown/testkit'
import { expect, test } from 'vitest'
import { openLog } from '../../src/logging.js'
import { type CallOptions, call } from '../support/call.js'
import { startGateway } from '../support/gateway.js'

test('T35: what an embedding program answers as a credential is in no log, no answer and no file', async () => {
  const scan = new SecretScan()
  const secret = (name: string) => scan.hide(name, `canary/${randomBytes(24).toString('base64url')}`)
  await using target = await startHostileSshServer()
  scan.hide('password that the target takes', target.password)
  const failure = new Error(secret('message of an error'), { cause: new Error(secret('cause of an error')) })
  const answers: Record<string, () => unknown> = {
    good: () => ({ method: 'password', password: target.password }),
    wrong: () => ({ method: 'password', password: secret('password that the target refuses') }),
    nonsense: () => ({ method: 'agent', [secret('name of a field')]: secret('value of a field') }),
    broken: () => ({ method: 'key', privateKey: secret('text that is no key') }),
    failing: () => Promise.reject(Object.assign(failure, { token: secret('property of an error') })),
  }
  const credentialProvider = {
    credentialFor: async ({ target: { name } }: { target: { name: string } }) =>
      (await answers[name]?.()) as SessionAuth,
  }
  await using dir = await createTempDir()
  const logging = { level: 'debug', format: 'json', file: join(dir.path, 'krown.log') } as const
  const log = await openLog({ ...logging, rotateSize: 1024 * 1024, rotateKeep: 1 })
  await using gateway = await startGateway({
    targets: [target],
    parts: { credentialProvider, logger: log.logger },
  })
  const { token } = await gateway.admin()
  const ask = async (line: string, options: CallOptions = {}) => {
    const answer = await call(gateway.url, line, { token, ...options })
    scan.keep('answers', line, JSON.stringify(answer.body))
    return answer.status
  }

  const { host, port, username } = target
  const statuses: Record<string, number> = {}
  for (const name of Object.keys(answers)) {
    await ask('POST /api/targets', { body: { name, host, port, username } })
    statuses[name] = await ask('POST /api/sessions', { body: { targetName: name } })
  }
  await ask('GET /api/journal?limit=200')
  await ask('GET /api/sessions?limit=200')
  const decoy = scan.hide('decoy', `canary/${randomBytes(24).toString('base64url')}`)
  log.logger.debug({ note: decoy }, 'a secret that is logged on purpose')
  await log.close()
  scan.keepFiles('log', dir.path)
  scan.keepFiles('data', gateway.config.dataDir)

  expect(statuses).toEqual({ good: 201, wrong: 412, nonsense: 503, broken: 503, failing: 503 })
  expect(scan.found()).toMatchObject([{ secret: 'decoy', place: 'log', form: 'clear' }])
})
