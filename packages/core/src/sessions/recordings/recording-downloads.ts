import type { Ticket, Tickets } from '../../auth/tokens/tickets.js'
import type { JournalDraft } from '../../journal/entry.js'
import type { Journal } from '../../journal/journal.js'
import type { Actor, CallOrigin } from '../../model/actor.js'
import type { RecordingId } from '../../model/ids.js'
import type { Recording } from '../../model/recording.js'
import {
  DEFAULT_RECORDING_FORMAT,
  type DownloadRecordingOptions,
  type RecordingFormat,
  type RecordingTicket,
} from '../../model/recording-export.js'
import { type ExportOptions, exportRecording } from '../../recordings/export/export-recording.js'
import type { RecordingService } from './recording-service.js'

export interface RecordingDownloadsDeps {
  readonly service: RecordingService
  readonly journal: Journal
  readonly tickets: Tickets
}

/** Recordings on their way out: who took which is journaled. */
export class RecordingDownloads {
  readonly #deps: RecordingDownloadsDeps

  constructor(deps: RecordingDownloadsDeps) {
    this.#deps = deps
  }

  /**
   * In pieces, nothing of which is made before it is asked for. Of a recording that goes on: what there is when the
   * end is reached.
   *
   * @throws KrownError as `RecordingService.open`, AUDIT_UNAVAILABLE; before the first piece.
   */
  async *download(
    actor: Actor,
    id: RecordingId,
    { format = DEFAULT_RECORDING_FORMAT, from = 0, to }: DownloadRecordingOptions,
  ): AsyncGenerator<Uint8Array> {
    const { service, journal } = this.#deps
    const { recording, reader } = await service.open(actor, id)
    await using _ = reader
    const options: ExportOptions = { format, range: { fromMs: from, toMs: to } }
    await journal.append(actor.orgId, [recordingExported(recording, actor, options)])
    yield* exportRecording(reader, recording, options)
  }

  async createTicket(
    actor: Actor,
    id: RecordingId,
    format: RecordingFormat = DEFAULT_RECORDING_FORMAT,
  ): Promise<RecordingTicket> {
    await this.#deps.service.get(actor, id)
    return toRecordingTicket(this.#deps.tickets.issue(actor, useOf(id, format)))
  }

  /** Who asked for the ticket. @throws KrownError UNAUTHENTICATED */
  redeem(
    ticket: string,
    { id, format = DEFAULT_RECORDING_FORMAT }: { id: RecordingId; format?: RecordingFormat | undefined },
    origin: CallOrigin,
  ): Actor {
    return this.#deps.tickets.redeem(ticket, useOf(id, format), origin)
  }
}

function useOf(id: RecordingId, format: RecordingFormat): string {
  return `download ${id} ${format}`
}

function toRecordingTicket({ text, expiresAt }: Ticket): RecordingTicket {
  return { ticket: text, expiresAt: new Date(expiresAt).toISOString() }
}

function recordingExported(
  recording: Recording,
  actor: Actor,
  { format, range }: ExportOptions,
): JournalDraft {
  const { id, kind, sessionId, userId, commandId } = recording
  return {
    action: 'recording.exported',
    outcome: 'success',
    actor,
    resource: { kind: 'recording', id },
    facts: {
      kind,
      sessionId,
      ownerUserId: userId,
      ...(commandId !== null && { commandId }),
      format,
      fromMs: range.fromMs,
      toMs: range.toMs ?? null,
    },
  }
}
