import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { AccessRule, LoginResult, Page, ProbedHostKey, User } from '@krown/core'
import { runProcess } from '@krown/testkit/child-process'
import { startLocalSshServer } from '@krown/testkit/start-local-ssh-server'
import { type Doorway, openDoorway } from './doorway.js'
import { bold, cyan, dim, fact, green, heading, indented } from './print.js'
import { RestClient } from './rest-client.js'
import type { DemoTarget } from './target.js'

const CLI = fileURLToPath(new URL('../../packages/cli/bin/krown.js', import.meta.url))
const OLGA = { username: 'olga', password: 'a password for this demo alone' }

export interface InventoryStory {
  readonly directory: string
  readonly url: string
  readonly api: RestClient
  readonly target: DemoTarget
}

/** Machines by name: imported, their secret stored, reached by rule, known by their key. @returns What surprised. */
export async function showInventory(story: InventoryStory): Promise<string[]> {
  heading('Inventory: nobody types a secret, and everyone reaches only what a rule allows')
  await using doorway = await openDoorway(story.target)
  await storeCredential(story)
  await importConfig(story, doorway)
  await trustHostKey(story, doorway)
  const olga = await grantToOlga(story)
  return [...(await runByName(olga, story)), ...(await refuseAnother(olga, doorway))]
}

async function storeCredential({ api, target: { auth } }: InventoryStory): Promise<void> {
  const secret =
    auth.method === 'password'
      ? { kind: 'password', password: auth.password }
      : { kind: 'private_key', privateKey: auth.privateKey }
  await api.post('/api/credentials', { name: 'web', ...secret })
  fact('credential', 'stored encrypted, and never told again')
}

async function importConfig(
  { directory, url, api, target }: InventoryStory,
  doorway: Doorway,
): Promise<void> {
  const lines = [
    'Host web1',
    `  HostName ${doorway.host}`,
    `  Port ${doorway.port}`,
    `  User ${target.username}`,
  ]
  await writeFile(join(directory, 'ssh_config'), `${lines.join('\n')}\n`)
  console.log(`  ${cyan('$')} ${bold('cat ssh_config')}`)
  indented(lines.join('\n'), dim)
  const options = ['--ssh-config', 'ssh_config', '--credential', 'web', '--tag', 'demo']
  await runKrown(['targets', 'import', ...options], { directory, url, token: api.accessToken })
}

interface Terminal {
  readonly directory: string
  readonly url: string
  readonly token: string | undefined
}

/** The command line as it is installed. @returns What it printed. */
async function runKrown(args: readonly string[], { directory, url, token }: Terminal): Promise<string> {
  console.log(`  ${cyan('$')} ${bold(`krown ${args.join(' ')}`)}`)
  const env = { ...process.env, KROWN_URL: url, KROWN_TOKEN: token }
  const options = { cwd: directory, env }
  const output = await runProcess({ command: process.execPath, args: [CLI, ...args], options })
  indented(output, (line) => line)
  return output
}

/** An imported target is reached once somebody looked at its host key. */
async function trustHostKey({ api }: InventoryStory, { host, port }: Doorway): Promise<void> {
  const { fingerprint, algorithm } = await api.post<ProbedHostKey>('/api/host-keys/probe', { host, port })
  await api.post('/api/host-keys', { host, port, fingerprint, algorithm, reason: 'seen at the console' })
  fact('host key', `${fingerprint}, pinned for the organization`)
}

async function grantToOlga({ api, url }: InventoryStory): Promise<RestClient> {
  const { id } = await api.post<User>('/api/users', { ...OLGA, role: 'operator' })
  const { items } = await api.get<Page<AccessRule>>('/api/access-rules')
  for (const rule of items) await api.delete(`/api/access-rules/${rule.id}`)
  const rule = { subject: { kind: 'user', userId: id }, selector: 'tag:demo', verbs: ['exec'] }
  await api.post('/api/access-rules', { ...rule, reason: 'shows how it works' })
  fact('rule', `${OLGA.username} may exec on ${rule.selector}, and no other operator anything`)
  const olga = new RestClient(url)
  olga.authorize((await olga.post<LoginResult>('/api/auth/login', OLGA)).accessToken)
  return olga
}

async function runByName(olga: RestClient, { directory, url }: InventoryStory): Promise<string[]> {
  const terminal = { directory, url, token: olga.accessToken }
  const output = await runKrown(['exec', 'web1', '-n', '--', 'echo it is me'], terminal)
  return output === 'it is me\n' ? [] : ['a command by name printed something else']
}

/** Another machine answers at the address: it gets to see neither a user name nor a secret. */
async function refuseAnother(olga: RestClient, doorway: Doorway): Promise<string[]> {
  const impostor = await startLocalSshServer()
  try {
    doorway.leadTo(impostor)
    const { code, detail } = await olga.refusal('/api/sessions', { targetName: 'web1' })
    fact('impostor', `${green(code)}: ${detail}`)
    return code === 'HOST_KEY_MISMATCH' ? [] : ['another machine was not refused']
  } finally {
    await impostor.stop()
  }
}
