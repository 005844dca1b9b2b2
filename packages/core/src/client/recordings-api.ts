import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { recordingIdSchema } from '../model/ids-schema.js'
import { recordingQuerySchema } from '../model/recording.js'
import type { RecordingsApi } from '../model/recordings-api.js'
import type { ClientServices } from './client-services.js'

export function recordingsApi(services: Pick<ClientServices, 'recordings'>, actor: Actor): RecordingsApi {
  const { recordings } = services
  return {
    list: async (query = {}) => recordings.list(actor, parseInput(recordingQuerySchema, query)),
    get: async (id) => recordings.get(actor, parseInput(recordingIdSchema, id, 'recordingId')),
    delete: async (id) => recordings.delete(actor, parseInput(recordingIdSchema, id, 'recordingId')),
  }
}
