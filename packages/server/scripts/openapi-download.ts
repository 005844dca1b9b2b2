import { RECORDING_FILES, RECORDING_FORMATS } from '@krown/core'
import { ID } from './openapi-example-entities.js'
import { refusalResponses } from './openapi-operations.js'

const text = { type: 'string', format: 'binary' }
const moment = { type: 'integer', minimum: 0 }
const mediaTypes = [...new Set(Object.values(RECORDING_FILES).map(({ mediaType }) => mediaType))]

const inQuery = (name: string, schema: object, description: string) => ({
  in: 'query' as const,
  name,
  schema,
  description,
})

/** The route that answers with a file; it is no procedure. */
export const downloadPaths = {
  '/api/recordings/{recordingId}/download': {
    get: {
      operationId: 'recordings.download',
      tags: ['recordings'],
      summary: 'Download a recording',
      description:
        'As an attachment of any length; of a recording that goes on, what there is by now. What could attack a terminal is left out. Each is journaled. There are no ranges.',
      security: [{ bearer: [] }, {}],
      parameters: [
        {
          in: 'path' as const,
          name: 'recordingId',
          required: true,
          schema: { type: 'string', format: 'uuid' },
          example: ID.recording,
        },
        inQuery('format', { type: 'string', enum: RECORDING_FORMATS }, 'Default `asciicast-v3`.'),
        inQuery('from', moment, 'Where it begins, milliseconds since the recording did; default 0.'),
        inQuery('to', moment, 'Where it ends, likewise; default its end.'),
        inQuery('ticket', { type: 'string' }, 'Instead of the header: see `recordings.createTicket`.'),
      ],
      responses: {
        200: {
          description: 'The file.',
          headers: { 'Content-Disposition': { description: 'How it is named.', schema: { type: 'string' } } },
          content: Object.fromEntries(mediaTypes.map((type) => [type, { schema: text }])),
        },
        ...refusalResponses([
          'VALIDATION_FAILED',
          'UNAUTHENTICATED',
          'FORBIDDEN',
          'RATE_LIMITED',
          'NOT_FOUND',
          'CONFLICT',
          'AUDIT_UNAVAILABLE',
          'UNAVAILABLE',
          'DRAINING',
        ]),
      },
    },
  },
}
