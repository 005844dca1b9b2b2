import { z } from 'zod'
import type { RecordingId } from './ids.js'

export const RECORDING_FORMATS = ['asciicast-v3', 'asciicast-v2', 'text', 'html'] as const
/**
 * What a recording is exported as: asciicast in its version 3 or 2, text without escape sequences, or one HTML file with
 * a player in it. Escape sequences that could attack a terminal are in none of them.
 */
export type RecordingFormat = (typeof RECORDING_FORMATS)[number]

export const DEFAULT_RECORDING_FORMAT: RecordingFormat = 'asciicast-v3'

export interface DownloadRecordingOptions {
  /** Default `asciicast-v3`. */
  format?: RecordingFormat | undefined
  /** Where it begins, milliseconds since the recording did; default 0. A terminal begins with the screen of then. */
  from?: number | undefined
  /** Where it ends, likewise; default its end. */
  to?: number | undefined
}

const moment = z.number().int().min(0)

export const downloadRecordingShape = {
  format: z.enum(RECORDING_FORMATS).optional(),
  from: moment.optional(),
  to: moment.optional(),
}

export const downloadRecordingSchema = z
  .strictObject(downloadRecordingShape)
  .refine(({ from = 0, to }) => to === undefined || to >= from, {
    path: ['to'],
    message: 'must not be before from',
  }) satisfies z.ZodType<DownloadRecordingOptions>

export const createTicketSchema = z.strictObject({ format: downloadRecordingShape.format })

/** How files of each format are named and served. */
export const RECORDING_FILES: Readonly<Record<RecordingFormat, { extension: string; mediaType: string }>> = {
  'asciicast-v3': { extension: 'cast', mediaType: 'application/x-asciicast' },
  'asciicast-v2': { extension: 'cast', mediaType: 'application/x-asciicast' },
  text: { extension: 'txt', mediaType: 'text/plain; charset=utf-8' },
  html: { extension: 'html', mediaType: 'text/html; charset=utf-8' },
}

/** `<recordingId>.cast`, `.txt` or `.html`. */
export function recordingFileName(id: RecordingId, format: RecordingFormat): string {
  return `${id}.${RECORDING_FILES[format].extension}`
}

/** Leave to download one recording once, for links that can bring no `Authorization` header. */
export interface RecordingTicket {
  /** Goes into the query of the download as `ticket`. */
  ticket: string
  /** One minute after it was made. */
  expiresAt: string
}

export const recordingTicketSchema = z
  .object({ ticket: z.string(), expiresAt: z.string() })
  .meta({ id: 'RecordingTicket' }) satisfies z.ZodType<RecordingTicket>
