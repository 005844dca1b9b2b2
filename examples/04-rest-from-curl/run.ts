// Runs rest.sh against a server and a target that end with it. Against your own, run the script by itself.
import { fileURLToPath } from 'node:url'
import { runProcess } from '@krown/testkit/child-process'
import { startLocalSshServer } from '@krown/testkit/start-local-ssh-server'
import { createTempDir } from '@krown/testkit/temp-dir'
import { startGateway } from '../support/start-gateway.js'

await using directory = await createTempDir()
await using target = await startLocalSshServer()
await using gateway = await startGateway(directory.path)

const output = await runProcess({
  command: 'bash',
  args: [fileURLToPath(new URL('rest.sh', import.meta.url))],
  options: {
    env: {
      PATH: process.env.PATH,
      KROWN_URL: gateway.url,
      SETUP_TOKEN_FILE: gateway.setupTokenFile,
      SSH_HOST: target.host,
      SSH_PORT: String(target.port),
      SSH_USER: target.username,
      SSH_PASSWORD: target.password,
    },
  },
})
console.log(output)
