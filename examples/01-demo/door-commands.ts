import { createRequire } from 'node:module'
import { fileURLToPath, pathToFileURL } from 'node:url'
import type { RecordingId, Session } from '@krown/core'

export interface DoorsOf {
  readonly url: string
  readonly admin: { readonly username: string; readonly password: string }
  readonly session: Session
  /** Of what the session printed. */
  readonly recording: RecordingId
  /** A file with the body of a request to open a session. */
  readonly openSession: string
}

interface DoorCommand {
  readonly what: string
  /** For a POSIX shell; those after the first use its `TOKEN`. */
  readonly command: string
}

const fromCheckout = (path: string) => new URL(`../../${path}`, import.meta.url)
const CLI = fileURLToPath(fromCheckout('packages/cli/bin/krown.js'))
const SDK = import.meta.resolve('@krown/sdk')
/** The library for WebSockets that the server brings; yours may be another, in another language. */
const WS = pathToFileURL(createRequire(import.meta.resolve('@krown/server')).resolve('ws')).href

/** One or more for each way in. */
export function doorCommands(doors: DoorsOf): DoorCommand[] {
  return [
    ...restCommands(doors),
    ...cliCommands(doors),
    sdkCommand(doors),
    webSocketCommand(doors),
    ...terminalCommands(doors),
  ]
}

function restCommands({ url, admin, session, openSession }: DoorsOf): DoorCommand[] {
  const json = "-H 'content-type: application/json'"
  const token = '-H "authorization: Bearer $TOKEN"'
  return [
    {
      what: 'sign in; the token is good for ten minutes, and for all that follows',
      command: `TOKEN=$(curl -sS ${url}/api/auth/login ${json} -d '${JSON.stringify(admin)}' | sed 's/.*"accessToken":"\\([^"]*\\)".*/\\1/')`,
    },
    {
      what: 'REST: run a command in the session that is open',
      command: `curl -sS ${url}/api/sessions/${session.id}/execute ${token} ${json} -d '{"command": "date"}'`,
    },
    {
      what: 'REST: open another session',
      command: `curl -sS ${url}/api/sessions ${token} ${json} -d @${openSession}`,
    },
    {
      what: 'REST: read the newest entry of the journal',
      command: `curl -sS '${url}/api/journal?limit=1' ${token}`,
    },
    {
      what: 'REST: verify its chain',
      command: `curl -sS -X POST ${url}/api/journal/verify ${token}`,
    },
  ]
}

const krownOf = ({ url }: DoorsOf) => `KROWN_URL=${url} KROWN_TOKEN=$TOKEN node ${quoted(CLI)}`

function cliCommands(doors: DoorsOf): DoorCommand[] {
  const { session } = doors
  const krown = krownOf(doors)
  return [
    {
      what: 'command line: run a command there; its output, and its exit code',
      command: `${krown} exec ${session.id} -n -- id -un`,
    },
    { what: 'command line: list what ran', command: `${krown} commands ls --limit 5` },
  ]
}

/** For people: these want a terminal. */
function terminalCommands(doors: DoorsOf): DoorCommand[] {
  const krown = krownOf(doors)
  return [
    {
      what: 'a shell there; ~d leaves it running, exit ends it',
      command: `${krown} shell ${doors.session.id}`,
    },
    {
      what: 'what the session printed, played back; q ends it',
      command: `${krown} replay ${doors.recording}`,
    },
  ]
}

function sdkCommand({ url, session }: DoorsOf): DoorCommand {
  return {
    what: 'SDK: the same from a program',
    command: program(`
import { createKrownClient } from "${SDK}"
const client = createKrownClient({ url: "${url}", token: process.env.KROWN_TOKEN })
const { exitCode, stdout } = await client.sessions.execute("${session.id}", { command: "uname -sr" })
console.log(exitCode, stdout)
await client.close()`),
  }
}

function webSocketCommand({ url, session }: DoorsOf): DoorCommand {
  return {
    what: 'WebSocket: watch the session live, with what it has printed so far, until Ctrl-C',
    command: program(`
import WebSocket from "${WS}"
const socket = new WebSocket("${url.replace('http', 'ws')}/ws")
const say = (message) => socket.send(JSON.stringify(message))
socket.on("open", () => {
  say({ type: "authenticate", token: process.env.KROWN_TOKEN, protocol: 1 })
  say({ type: "subscribe_session", sessionId: "${session.id}", after: 0 })
})
socket.on("message", (text) => console.log(String(text)))`),
  }
}

/** Its text has no single quotation marks: the shell ends it there. */
const program = (text: string) =>
  `KROWN_TOKEN=$TOKEN node --input-type=module -e '${text.replaceAll("'", '%27')}'`

const quoted = (path: string) => `'${path.replaceAll("'", `'\\''`)}'`
