// Entry of a child process: see start-bench-ssh-server.ts. Serves until its standard input ends.
import { randomBytes } from 'node:crypto'
import type { ServerChannel } from 'ssh2'
import { AuthScript } from './auth-script.js'
import { endWith } from './channel-exit.js'
import { generateKey } from './keys.js'
import { SshListener } from './ssh-listener.js'

const CHUNK = Buffer.alloc(32 * 1024, 'krown bench\n')
const username = 'bench'
const password = randomBytes(12).toString('base64url')
const hostKey = generateKey()
const clientKey = generateKey()
const policy = { username, password, publicKeys: [clientKey.publicKey] }

const listener = new SshListener({
  hostKeys: [hostKey],
  onClient: (client) => {
    const auth = new AuthScript(policy, 0, () => undefined)
    client.on('authentication', (context) => void auth.decide(context, auth.note(context)))
    client.on('session', (accept) => {
      accept().on('exec', (acceptExec, _reject, { command }) => answer(command, acceptExec()))
    })
  },
})

await listener.start()
process.stdin.once('end', () => void listener.stop()).resume()
const { privateKey } = clientKey
const login = { username, password, privateKey, hostKeyFingerprint: hostKey.fingerprint }
process.stdout.write(`${JSON.stringify({ host: listener.host, port: listener.port, ...login })}\n`)

function answer(command: string, channel: ServerChannel): void {
  channel.resume()
  channel.on('error', () => undefined)
  const [name, ...words] = command.split(' ')
  if (name === 'echo') channel.write(`${words.join(' ')}\n`)
  if (name === 'bytes') sendBytes(channel, Number(words[0]))
  else endWith(channel, name === 'true' || name === 'echo' ? 0 : 127)
}

function sendBytes(channel: ServerChannel, left: number): void {
  const chunk = CHUNK.subarray(0, Math.min(left, CHUNK.length))
  if (chunk.length === 0) endWith(channel, 0)
  else channel.write(chunk, () => sendBytes(channel, left - chunk.length))
}
