import { Command } from 'commander'
import packageJson from '../package.json' with { type: 'json' }
import { addAccess } from './commands/access.js'
import { addAttach } from './commands/attach.js'
import { addChannels } from './commands/channels.js'
import { addCommands } from './commands/commands.js'
import { addCompletion } from './commands/completion.js'
import { addCredentials } from './commands/credentials.js'
import { addExec } from './commands/exec.js'
import { addHelp } from './commands/help.js'
import { addHostKeys } from './commands/host-keys.js'
import { addInvites } from './commands/invites.js'
import { addJournal } from './commands/journal.js'
import { addLogin } from './commands/login.js'
import { addLogins } from './commands/logins.js'
import { addRecordings } from './commands/recordings.js'
import { addReplay } from './commands/replay.js'
import { addSessions } from './commands/sessions.js'
import { addShell } from './commands/shell.js'
import { addTargets } from './commands/targets.js'
import { addTokens } from './commands/tokens.js'
import { addUsers } from './commands/users.js'
import { addWatch } from './commands/watch.js'
import type { Io } from './io.js'
import type { Run } from './verb.js'

/** Everything that `krown` understands. @param run What becomes of a command that was understood. */
export function createProgram(io: Io, run: Run): Command {
  const program = new Command('krown')
    .description('Sessions, commands and the journal of a Krown server, from a terminal.')
    .version(packageJson.version)
    .option('--url <url>', 'the server; also KROWN_URL; default: that of the last login')
    .option('--json', 'results as JSON: one document, or one line per item of a stream')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({ writeOut: (text) => io.stdout.write(text), writeErr: (text) => io.stderr.write(text) })
    .showSuggestionAfterError()
    .exitOverride()
  addLogin(program, run)
  addSessions(program, run)
  addExec(program, run)
  addShell(program, run)
  addAttach(program, run)
  addWatch(program, run)
  addChannels(program, run)
  addCommands(program, run)
  addRecordings(program, run)
  addReplay(program, run)
  addCredentials(program, run)
  addTargets(program, run)
  addHostKeys(program, run)
  addUsers(program, run)
  addTokens(program, run)
  addInvites(program, run)
  addLogins(program, run)
  addAccess(program, run)
  addJournal(program, run)
  addCompletion(program, run)
  addHelp(program)
  return program
}
