import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { createTempDir } from '@krown/testkit/temp-dir'
import type { Endpoint } from './raw-ssh.js'

const execute = promisify(execFile)

// As a user would have it: one key for each host and no second attempt; nothing of the machine's own settings.
const FOR_ALL = `Host *
  IdentitiesOnly yes
  PreferredAuthentications publickey
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
`

/** OpenSSH's `ssh` with a configuration that knows the endpoints by their names. */
export class OpensshClient implements AsyncDisposable {
  readonly #configFile: string
  readonly #removeDir: () => Promise<void>

  private constructor(configFile: string, removeDir: () => Promise<void>) {
    this.#configFile = configFile
    this.#removeDir = removeDir
  }

  static async prepare(endpoints: Readonly<Record<string, Endpoint>>): Promise<OpensshClient> {
    const dir = await createTempDir()
    const hosts: string[] = []
    for (const [name, { host, port, username, privateKey }] of Object.entries(endpoints)) {
      const keyFile = join(dir.path, name)
      await writeFile(keyFile, privateKey, { mode: 0o600 })
      hosts.push(
        `Host ${name}\n  HostName ${host}\n  Port ${port}\n  User ${username}\n  IdentityFile ${keyFile}\n`,
      )
    }
    const configFile = join(dir.path, 'config')
    await writeFile(configFile, [...hosts, FOR_ALL].join(''))
    return new OpensshClient(configFile, () => dir.stop())
  }

  /** Runs `ssh` to its end. @throws Error when it fails */
  async run(args: readonly string[]): Promise<void> {
    await execute('ssh', ['-F', this.#configFile, ...args])
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#removeDir()
  }
}
