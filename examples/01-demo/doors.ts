import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type DoorsOf, doorCommands } from './door-commands.js'
import { bold, cyan, dim, fact, heading } from './print.js'
import type { DemoTarget } from './target.js'

export interface Stage extends Omit<DoorsOf, 'openSession'> {
  readonly directory: string
  readonly target: DemoTarget
}

/** Prints where everything is, and commands that work when pasted into another terminal. */
export async function showDoors(stage: Stage): Promise<void> {
  const { url, admin, directory } = stage
  heading('It is yours until Ctrl-C')
  fact('API', `${url}/docs`)
  fact('user', admin.username)
  fact('password', bold(admin.password))
  fact('files', directory)
  const openSession = await writeOpenSession(stage)
  for (const { what, command } of doorCommands({ ...stage, openSession })) {
    console.log(`\n  ${dim(`# ${what}`)}\n${cyan(command)}`)
  }
  console.log()
}

/** The body of a request to open a session; it has a credential, so only its owner may read it. */
async function writeOpenSession({ directory, target }: Stage): Promise<string> {
  const { host, port, username, auth } = target
  const file = join(directory, 'open-session.json')
  await writeFile(file, JSON.stringify({ host, port, username, auth }), { mode: 0o600 })
  return file
}
