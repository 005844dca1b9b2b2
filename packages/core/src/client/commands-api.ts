import { z } from 'zod'
import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import {
  type CommandOutputEvent,
  commandQuerySchema,
  getCommandOptionsSchema,
  startCommandInputSchema,
} from '../model/command.js'
import type { CommandId } from '../model/ids.js'
import { commandIdSchema } from '../model/ids-schema.js'
import type { KrownClient } from '../model/krown-client.js'
import type { CarriedOutputOptions } from '../sessions/output/command-output.js'
import type { OutputCarrier } from '../sessions/output/output-carrier.js'
import type { ClientServices } from './client-services.js'
import { toBytes } from './command-stream.js'
import { signalShape } from './signal-shape.js'

const getOptionsSchema = getCommandOptionsSchema.extend(signalShape)

const outputOptionsSchema = z.strictObject({
  after: z.number().int().min(0).optional(),
  carrier: z.custom<OutputCarrier>().optional(),
  ...signalShape,
}) satisfies z.ZodType<CarriedOutputOptions>

/** For doors besides: these may say how output goes on from here. */
export type InProcessCommands = Omit<KrownClient['commands'], 'output'> & {
  /** See `KrownClient`. With a `carrier`, a driver for whom it broke misses nothing when he is back at once. */
  output(id: CommandId, options?: CarriedOutputOptions): AsyncIterable<CommandOutputEvent>
}

export function commandsApi({ commands }: Pick<ClientServices, 'commands'>, actor: Actor): InProcessCommands {
  return {
    start: async (input) => commands.start(actor, parseInput(startCommandInputSchema, input)),
    get: async (id, options = {}) =>
      commands.get(
        actor,
        parseInput(commandIdSchema, id, 'commandId'),
        parseInput(getOptionsSchema, options),
      ),
    list: async (query = {}) => commands.list(actor, parseInput(commandQuerySchema, query)),
    cancel: async (id) => commands.cancel(actor, parseInput(commandIdSchema, id, 'commandId')),
    write: async (id, data) =>
      commands.write(actor, parseInput(commandIdSchema, id, 'commandId'), toBytes(data)),
    closeStdin: async (id) => commands.closeStdin(actor, parseInput(commandIdSchema, id, 'commandId')),
    output: async function* (id, options = {}) {
      const checked = parseInput(outputOptionsSchema, options)
      yield* commands.output(actor, parseInput(commandIdSchema, id, 'commandId'), checked)
    },
  }
}
