// Secrets stay in your own store: Krown asks for one when it needs it, uses it for one connection, and keeps nothing.
import { type CredentialProvider, createKrown, type SessionAuth } from '@krown/core'
import { createTempDir } from '@krown/testkit/temp-dir'
import { exampleTarget } from '../support/example-target.js'

/**
 * Stands for your store. With HashiCorp Vault `read` would be a GET of `/v1/secret/data/<path>` with the header
 * `X-Vault-Token`; with AWS `GetSecretValue({ SecretId: path })`; with Google Cloud `accessSecretVersion({ name: path })`.
 * Keep what it answers no longer than your rotation allows.
 */
class FakeSecretStore {
  readonly #secrets: ReadonlyMap<string, SessionAuth>

  constructor(secrets: Readonly<Record<string, SessionAuth>>) {
    this.#secrets = new Map(Object.entries(secrets))
  }

  async read(path: string): Promise<SessionAuth | undefined> {
    return this.#secrets.get(path)
  }
}

await using machine = await exampleTarget()
const { host, port, username, auth } = machine
const store = new FakeSecretStore({ 'ssh/web1': auth })

const credentialProvider: CredentialProvider = {
  // Asked after Krown decided that the actor may reach the target. Undefined: there is none.
  async credentialFor({ target, actor }) {
    console.log(`asked for ssh/${target.name}, for ${actor.username}`)
    return store.read(`ssh/${target.name}`)
  },
}

await using data = await createTempDir()
// Targets on this machine are refused unless they are allowed.
const outbound = { allowLoopback: true }
await using krown = await createKrown({ dataDir: data.path, ssh: { outbound } }, { credentialProvider })
const client = krown.as(await krown.actors.system())

// Neither has a credential in Krown. Making the first one pins the host key that it shows.
await client.targets.create({ name: 'web1', host, port, username })
await client.targets.create({ name: 'web2', host, port, username, probe: false })

await using session = await client.sessions.open({ targetName: 'web1' })
const { stdout } = await session.exec('echo hello by name')
console.log(stdout?.trim())

const refusal = await client.sessions.open({ targetName: 'web2' }).catch((error) => error)
console.log(`web2: ${refusal.code}, ${JSON.stringify(refusal.details)}`)
