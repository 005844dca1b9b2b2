import type { Command } from 'commander'
import { bashCompletion } from '../completion/bash.js'
import { fishCompletion } from '../completion/fish.js'
import { completionNodes } from '../completion/words.js'
import { zshCompletion } from '../completion/zsh.js'
import type { Context } from '../context.js'
import type { Run } from '../verb.js'

const SHELLS = { bash: bashCompletion, zsh: zshCompletion, fish: fishCompletion } as const

export function addCompletion(program: Command, run: Run): void {
  program
    .command('completion')
    .description('print the script that lets a shell complete what you type')
    .addArgument(program.createArgument('<shell>', 'which one').choices(Object.keys(SHELLS)))
    .action(
      run((context, [shell]: [keyof typeof SHELLS]) =>
        print(context, SHELLS[shell](completionNodes(program))),
      ),
    )
}

async function print({ output }: Context, script: string): Promise<undefined> {
  await output.lines(script.trimEnd())
}
