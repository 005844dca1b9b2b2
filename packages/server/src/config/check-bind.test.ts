import { type KrownConfigInput, parseConfig } from '@krown/core'
import { expect, test } from 'vitest'
import { checkBind } from './check-bind.js'
import { problemsOf } from './config-problem.js'

function problemsWith(server: KrownConfigInput['server']) {
  try {
    checkBind(parseConfig({ server }))
  } catch (error) {
    return problemsOf(error)
  }
  return []
}

test.each(['127.0.0.1', '127.8.9.10', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', 'localhost'])(
  'plain HTTP starts on %s, which only this machine reaches',
  (host) => {
    expect(problemsWith({ host })).toEqual([])
  },
)

test.each(['0.0.0.0', '::', '10.0.0.1', '2001:db8::1', 'gateway.example.com', '::ffff:10.0.0.1'])(
  'plain HTTP does not start on %s, and the refusal names what would help',
  (host) => {
    const [problem] = problemsWith({ host }) ?? []
    expect(problem?.path).toBe('server.host')
    for (const setting of ['tls_cert', 'tls_key', 'trust_proxy', 'allow_plain_http']) {
      expect(problem?.message).toContain(`server.${setting}`)
    }
  },
)

test.each([
  { tlsCert: 'cert.pem', tlsKey: 'key.pem' },
  { trustProxy: ['10.0.0.5'] },
  { allowPlainHttp: true },
])('0.0.0.0 starts with %j', (server) => {
  expect(problemsWith({ host: '0.0.0.0', ...server })).toEqual([])
})
