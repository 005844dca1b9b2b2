/** Who asks. The session, the command and the rows asked for belong to `owner`, an operator. */
export const CALLERS = [
  'anonymous',
  'readonly',
  'owner',
  'otherOperator',
  'admin',
  'auditor',
  'foreignAdmin',
] as const
export type Caller = (typeof CALLERS)[number]

type Row = readonly [number, number, number, number, number, number, number]

const everybody = (status: number): Row => [status, status, status, status, status, status, status]

/** Status of every route for every caller, in the order of {@link CALLERS}. A route that is not here fails the test. */
export const permissionMatrix: Readonly<Record<string, Row>> = {
  'POST /api/auth/register': everybody(201),
  'POST /api/auth/login': everybody(200),
  'POST /api/auth/refresh': everybody(200),
  'GET /api/system/info': everybody(200),
  'GET /healthz': everybody(200),
  'GET /readyz': everybody(200),
  'GET /openapi.json': everybody(200),
  'GET /docs': everybody(200),
  'GET /docs/start.js': everybody(200),
  'GET /docs/assets/swagger-ui.css': everybody(200),
  'GET /docs/assets/swagger-ui-bundle.js': everybody(200),
  'GET /docs/assets/favicon-32x32.png': everybody(200),
  // WebSockets, asked without an upgrade; what is said on them has a table of its own.
  'GET /trpc': everybody(400),
  'GET /ws': everybody(400),

  //                                        anon readonly owner other admin auditor foreign
  'GET /api/auth/me': [401, 200, 200, 200, 200, 200, 200],
  'POST /api/auth/password': [401, 204, 204, 204, 204, 204, 204],
  'POST /api/auth/logout': [401, 204, 204, 204, 204, 204, 204],

  'GET /api/auth/logins': [401, 200, 200, 200, 200, 200, 200],
  'DELETE /api/auth/logins/:loginId': [401, 404, 204, 404, 404, 404, 404],

  'GET /api/invites': [401, 403, 403, 403, 200, 403, 200],
  'POST /api/invites': [401, 403, 403, 403, 201, 403, 201],
  'DELETE /api/invites/:inviteId': [401, 403, 403, 403, 200, 403, 404],

  'GET /api/tokens': [401, 200, 200, 200, 200, 200, 200],
  'POST /api/tokens': [401, 201, 201, 201, 201, 201, 201],
  'DELETE /api/tokens/:tokenId': [401, 404, 200, 404, 404, 404, 404],

  'GET /api/users': [401, 403, 403, 403, 200, 200, 200],
  'POST /api/users': [401, 403, 403, 403, 201, 403, 201],
  'GET /api/users/:userId': [401, 404, 200, 404, 200, 200, 404],
  'PATCH /api/users/:userId': [401, 403, 403, 403, 200, 403, 404],

  'GET /api/sessions': [401, 200, 200, 200, 200, 200, 200],
  'POST /api/sessions': [401, 403, 201, 201, 201, 403, 201],
  'GET /api/sessions/:sessionId': [401, 404, 200, 404, 200, 200, 404],
  'POST /api/sessions/:sessionId/execute': [401, 403, 200, 404, 200, 403, 404],
  'GET /api/sessions/:sessionId/commands': [401, 404, 200, 404, 200, 200, 404],
  'DELETE /api/sessions/:sessionId': [401, 403, 200, 404, 200, 403, 404],

  'GET /api/commands': [401, 200, 200, 200, 200, 200, 200],
  'GET /api/commands/:commandId': [401, 404, 200, 404, 200, 200, 404],
  'POST /api/commands/:commandId/cancel': [401, 403, 200, 404, 200, 403, 404],

  'POST /api/sessions/:sessionId/shells': [401, 403, 201, 404, 201, 403, 404],
  'GET /api/sessions/:sessionId/channels': [401, 404, 200, 404, 200, 200, 404],
  'GET /api/channels/:channelId': [401, 404, 200, 404, 200, 200, 404],
  // The owner holds the keyboard.
  'POST /api/channels/:channelId/input': [401, 403, 204, 404, 409, 403, 404],
  'POST /api/channels/:channelId/resize': [401, 403, 204, 404, 409, 403, 404],
  'POST /api/channels/:channelId/signal': [401, 403, 204, 404, 409, 403, 404],
  'POST /api/channels/:channelId/take-over': [401, 403, 200, 404, 200, 403, 404],
  'DELETE /api/channels/:channelId': [401, 403, 200, 404, 200, 403, 404],

  'GET /api/recordings': [401, 200, 200, 200, 200, 200, 200],
  'GET /api/recordings/:recordingId': [401, 404, 200, 404, 200, 200, 404],
  'GET /api/recordings/:recordingId/download': [401, 404, 200, 404, 200, 200, 404],
  'POST /api/recordings/:recordingId/tickets': [401, 404, 201, 404, 201, 201, 404],
  'DELETE /api/recordings/:recordingId': [401, 403, 403, 403, 200, 403, 404],

  'GET /api/targets': [401, 403, 200, 200, 200, 200, 200],
  'POST /api/targets': [401, 403, 403, 403, 201, 403, 201],
  'POST /api/targets/import': [401, 403, 403, 403, 200, 403, 200],
  'GET /api/targets/:targetId': [401, 403, 200, 200, 200, 200, 404],
  'PATCH /api/targets/:targetId': [401, 403, 403, 403, 200, 403, 404],
  'DELETE /api/targets/:targetId': [401, 403, 403, 403, 200, 403, 404],

  'GET /api/credentials': [401, 403, 403, 403, 200, 403, 200],
  'POST /api/credentials': [401, 403, 403, 403, 201, 403, 201],
  'GET /api/credentials/:credentialId': [401, 403, 403, 403, 200, 403, 404],
  'PATCH /api/credentials/:credentialId': [401, 403, 403, 403, 200, 403, 404],
  'DELETE /api/credentials/:credentialId': [401, 403, 403, 403, 200, 403, 404],

  'GET /api/host-keys': [401, 403, 200, 200, 200, 200, 200],
  'POST /api/host-keys': [401, 403, 403, 403, 201, 403, 201],
  'POST /api/host-keys/probe': [401, 403, 200, 200, 200, 403, 200],
  'POST /api/host-keys/import': [401, 403, 403, 403, 200, 403, 200],
  'POST /api/host-keys/retrust': [401, 403, 403, 403, 200, 403, 200],
  'GET /api/host-keys/:hostKeyId': [401, 403, 200, 404, 200, 200, 404],
  'PATCH /api/host-keys/:hostKeyId': [401, 403, 200, 404, 200, 403, 404],
  'DELETE /api/host-keys/:hostKeyId': [401, 403, 200, 404, 200, 403, 404],

  'GET /api/access-rules': [401, 403, 403, 403, 200, 200, 200],
  'POST /api/access-rules': [401, 403, 403, 403, 201, 403, 201],
  'GET /api/access-rules/:ruleId': [401, 403, 403, 403, 200, 200, 404],
  'PATCH /api/access-rules/:ruleId': [401, 403, 403, 403, 200, 403, 404],
  'DELETE /api/access-rules/:ruleId': [401, 403, 403, 403, 200, 403, 404],
  'POST /api/access-rules/explain': [401, 403, 403, 403, 200, 200, 404],

  'GET /api/journal': [401, 403, 403, 403, 200, 200, 200],
  'POST /api/journal/verify': [401, 403, 403, 403, 200, 200, 200],
}
