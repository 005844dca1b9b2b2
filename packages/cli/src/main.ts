import { runCli } from './run-cli.js'

// What Krown writes is for its own user only.
process.umask(0o077)
// A reader that went away, as in `krown … | head`, is found out by the write that fails.
for (const output of [process.stdout, process.stderr]) output.on('error', () => {})

process.exit(await runCli(process.argv, process))
