import { parseInput } from '../base/parse-input.js'
import type { Actor } from '../model/actor.js'
import { recordingIdSchema } from '../model/ids-schema.js'
import { recordingQuerySchema } from '../model/recording.js'
import { createTicketSchema, downloadRecordingSchema } from '../model/recording-export.js'
import type { RecordingsApi } from '../model/recordings-api.js'
import type { ClientServices } from './client-services.js'

export function recordingsApi(
  services: Pick<ClientServices, 'recordings' | 'recordingDownloads'>,
  actor: Actor,
): RecordingsApi {
  const { recordings, recordingDownloads: downloads } = services
  return {
    list: async (query = {}) => recordings.list(actor, parseInput(recordingQuerySchema, query)),
    get: async (id) => recordings.get(actor, parseInput(recordingIdSchema, id, 'recordingId')),
    delete: async (id) => recordings.delete(actor, parseInput(recordingIdSchema, id, 'recordingId')),
    async *download(id, options = {}) {
      const recordingId = parseInput(recordingIdSchema, id, 'recordingId')
      yield* downloads.download(actor, recordingId, parseInput(downloadRecordingSchema, options))
    },
    createTicket: async (id, options = {}) => {
      const recordingId = parseInput(recordingIdSchema, id, 'recordingId')
      return downloads.createTicket(actor, recordingId, parseInput(createTicketSchema, options).format)
    },
  }
}
