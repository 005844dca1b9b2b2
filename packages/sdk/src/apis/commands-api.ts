import type { KrownClient } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function commandsApi({ trpc, calls, streams }: ApiParts): KrownClient['commands'] {
  return {
    start: (input) => calls.start(input),
    get: (commandId, options) => translated(calls.get(commandId, options)),
    list: (query = {}) => translated(trpc.commands.list.query(query)),
    cancel: (commandId) => translated(trpc.commands.cancel.mutate({ commandId })),
    write: (commandId, data) => calls.write(commandId, data),
    closeStdin: (commandId) => calls.closeStdin(commandId),
    output: (commandId, options) => streams.output(commandId, options),
  }
}
