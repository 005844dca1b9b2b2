import type { Command } from 'commander'
import { parsePort } from './option-values.js'

/** What `sessions open` and `exec` take to reach a target. */
export function withTargetOptions(command: Command): Command {
  return command
    .option('-p, --port <port>', 'port of the host; default 22', parsePort)
    .option('-i, --identity <file>', 'sign in there with this private key: it is sent to the server')
    .option('-y, --yes', 'send the key without asking')
    .option(
      '--password-stdin',
      'the first line of standard input is the password, or the passphrase of the key',
    )
    .option('--host-key <fingerprint>', 'accept this host key and no other: SHA256:…')
}
