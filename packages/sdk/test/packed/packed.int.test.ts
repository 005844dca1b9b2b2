import { join } from 'node:path'
import { catalog } from '@krown/core'
import { startSshd } from '@krown/testkit'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startSdkGateway } from '../support/sdk-gateway.js'
import { type InstalledSdk, installSdk, nativeModulesIn } from './installed-sdk.js'

let sdk: InstalledSdk
beforeAll(async () => {
  sdk = await installSdk()
}, 120_000)
afterAll(() => sdk[Symbol.asyncDispose]())

test('it comes alone: neither core, nor the server, nor a native module', async () => {
  // npm installs TypeScript as well: tRPC has it as a peer, for its types.
  const packages = (await sdk.packages()).filter((name) => !name.includes('typescript'))
  expect(packages.sort()).toEqual(['@krown/sdk', '@trpc/client', '@trpc/server', 'ws'])
  expect(await nativeModulesIn(join(sdk.path, 'node_modules'))).toEqual([])
})

const program = (body: string) => `
import { createKrownClient, isKrownError, type KrownClient, type KrownClientErrorCode, type RouterOutputs } from '@krown/sdk'

export async function deploy(client: KrownClient): Promise<string> {
  const session = await client.sessions.open({ host: 'h', username: 'u', auth: { method: 'password', password: 'p' } })
  ${body}
}
export const client: KrownClient = createKrownClient({ url: 'https://krown.example.com', token: 't' })
export type Sessions = RouterOutputs['sessions']['list']['items'][number]['hostKeyFingerprint']
`

const handling = (codes: readonly string[]) => `
  try { return session.id } catch (error) {
    if (!isKrownError(error)) throw error
    const code: KrownClientErrorCode = error.code
    switch (code) {
      ${codes.map((code) => `case '${code}': return 'handled'`).join('\n')}
    }
  }`

test('a program type-checks; a field of another name or an error code left out fails it', async () => {
  const codes = [...Object.keys(catalog), 'CONNECTION_LOST', 'UNKNOWN']
  const complaints = await sdk.typeCheck({
    right: program("const { stdout } = await session.exec('uptime'); return stdout ?? ''"),
    renamed: program("const { stdOut } = await session.exec('uptime'); return stdOut ?? ''"),
    everyCode: program(handling(codes)),
    oneCodeLess: program(handling(codes.slice(1))),
  })
  expect(complaints).toEqual({
    right: [],
    renamed: [expect.stringMatching(/error TS2\d{3}: .*stdOut/)],
    everyCode: [],
    oneCodeLess: [expect.stringMatching(/error TS2366/)],
    elsewhere: [],
  })
})

test('a program runs in Node, and ends by itself', async () => {
  await using gateway = await startSdkGateway()
  await using sshd = await startSshd()
  const { username, password } = await gateway.newUser({ role: 'operator' })
  const file = await sdk.write(
    'program.mjs',
    `
import { createKrownClient, isKrownError } from '@krown/sdk'
const { URL, USERNAME, PASSWORD, TARGET } = process.env
const client = createKrownClient({ url: URL, credentials: { username: USERNAME, password: PASSWORD } })
const session = await client.sessions.open(JSON.parse(TARGET))
console.log((await session.exec('echo executed')).stdout.trim())
const stream = await session.stream('echo streamed; exit 3')
for await (const { data } of stream) console.log(new TextDecoder().decode(data).trim())
console.log((await stream.result).exitCode)
await session.close()
await session.exec('true').catch((error) => console.log(isKrownError(error), error.code))
`,
  )
  const { host, port, username: user, privateKey } = sshd
  const target = { host, port, username: user, auth: { method: 'key', privateKey } }
  const env = { URL: gateway.url, USERNAME: username, PASSWORD: password, TARGET: JSON.stringify(target) }
  expect(await sdk.run(file, env)).toBe('executed\nstreamed\n3\ntrue SESSION_NOT_CONNECTED\n')
})
