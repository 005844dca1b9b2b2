import type { DownloadRecordingOptions, RecordingId, RecordingsApi } from '@krown/core/model'
import { translated } from '../errors/to-client-error.js'
import type { ApiParts } from './api-parts.js'

export function recordingsApi({ trpc: { recordings }, downloads }: ApiParts): RecordingsApi {
  return {
    list: (query = {}) => translated(recordings.list.query(query)),
    get: (recordingId) => translated(recordings.get.query({ recordingId })),
    delete: (recordingId) => translated(recordings.delete.mutate({ recordingId })),
    download: (recordingId, options = {}) => downloads.read(downloadPath(recordingId, options)),
    createTicket: (recordingId, options = {}) =>
      translated(recordings.createTicket.mutate({ ...options, recordingId })),
  }
}

function downloadPath(id: RecordingId, options: DownloadRecordingOptions): string {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) query.set(name, String(value))
  }
  return `/api/recordings/${encodeURIComponent(id)}/download?${query}`
}
