import type { Command } from 'commander'

/** In place of Commander's own, which looks at one word and shows all of the program for one that it does not know. */
export function addHelp(program: Command): void {
  program.helpCommand(false)
  program
    .command('help')
    .description('how a command is used')
    .argument('[command...]', 'such as: targets import')
    .action((words: string[]) => commandOf(program, words).help())
}

function commandOf(program: Command, words: readonly string[]): Command {
  let command = program
  for (const word of words) {
    const next = command.commands.find((child) => child.name() === word)
    if (next === undefined) return command.error(`error: unknown command '${word}'`)
    command = next
  }
  return command
}
