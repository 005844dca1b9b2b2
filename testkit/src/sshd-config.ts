import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { KeyPair } from './keys.js'

export interface SshdFiles {
  dir: string
  port: number
  hostKeys: KeyPair[]
  /** Lines of the `authorized_keys` file. */
  authorizedKeys: string[]
  /** Lines that come first: sshd takes the first value it meets. */
  extra: string[]
}

/** Writes host keys, authorized keys and the configuration; returns the path of the latter. */
export async function writeSshdFiles(files: SshdFiles): Promise<string> {
  const { dir, hostKeys } = files
  const keyPaths = hostKeys.map((_, index) => join(dir, `host-key-${index}`))
  for (const [index, key] of hostKeys.entries()) {
    await writeFile(join(dir, `host-key-${index}`), key.privateKey, { mode: 0o600 })
  }
  // sshd reads this one as the user who logs in.
  await writeFile(join(dir, 'authorized_keys'), `${files.authorizedKeys.join('\n')}\n`, { mode: 0o644 })
  const path = join(dir, 'sshd_config')
  await writeFile(path, `${[...files.extra, ...baseConfig(files, keyPaths)].join('\n')}\n`)
  return path
}

function baseConfig({ dir, port }: SshdFiles, keyPaths: string[]): string[] {
  const asRoot = process.getuid?.() === 0
  return [
    `ListenAddress 127.0.0.1:${port}`,
    ...keyPaths.map((path) => `HostKey ${path}`),
    `AuthorizedKeysFile ${join(dir, 'authorized_keys')}`,
    'StrictModes no',
    'PidFile none',
    'LogLevel VERBOSE',
    'UseDNS no',
    'PrintMotd no',
    'PrintLastLog no',
    'PermitRootLogin prohibit-password',
    `UsePAM ${asRoot ? 'yes' : 'no'}`,
    `PasswordAuthentication ${asRoot ? 'yes' : 'no'}`,
    `KbdInteractiveAuthentication ${asRoot ? 'yes' : 'no'}`,
    'Subsystem sftp internal-sftp',
  ]
}
