import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Session } from '@krown/core'
import { bold, cyan, dim, fact, heading } from './print.js'
import type { DemoTarget } from './target.js'

export interface Stage {
  readonly directory: string
  readonly url: string
  readonly admin: { readonly username: string; readonly password: string }
  readonly target: DemoTarget
  readonly session: Session
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
  for (const [what, command] of curlCommands(stage, openSession)) {
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

function curlCommands({ url, admin, session }: Stage, openSession: string): [string, string][] {
  const json = "-H 'content-type: application/json'"
  const token = '-H "authorization: Bearer $TOKEN"'
  return [
    [
      'sign in; the token is good for ten minutes',
      `TOKEN=$(curl -s ${url}/api/auth/login ${json} -d '${JSON.stringify(admin)}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')`,
    ],
    [
      'run a command in the session that is open',
      `curl -s ${url}/api/sessions/${session.id}/execute ${token} ${json} -d '{"command": "date"}'`,
    ],
    ['open another session', `curl -s ${url}/api/sessions ${token} ${json} -d @${openSession}`],
    ['read the newest entry of the journal', `curl -s '${url}/api/journal?limit=1' ${token}`],
    ['verify its chain', `curl -s -X POST ${url}/api/journal/verify ${token}`],
  ]
}
