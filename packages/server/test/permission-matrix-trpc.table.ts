import { CALLERS, type permissionMatrix } from './permission-matrix.table.js'

type Row = (typeof permissionMatrix)[string]

const everybody = (status: number): Row => CALLERS.map(() => status) as unknown as Row

/** What only tRPC offers, in the order of {@link CALLERS}; what REST offers too is held to REST's row. */
export const TRPC_ONLY: Readonly<Record<string, Row>> = {
  // Over HTTP there is no socket to sign in again.
  'auth.reauthenticate': everybody(405),
  //                     anon readonly owner other admin auditor foreign
  'commands.start': [401, 403, 200, 404, 200, 403, 404],
  'commands.write': [401, 403, 200, 404, 200, 403, 404],
  'commands.closeStdin': [401, 403, 200, 404, 200, 403, 404],
  'commands.output': [401, 404, 200, 404, 200, 200, 404],
  'sessions.events': [401, 404, 200, 404, 200, 200, 404],
  'journal.follow': [401, 403, 403, 403, 200, 200, 200],
}

/** What each message of the plain WebSocket is answered with, as the status of its error. */
export const MESSAGE_MATRIX: Readonly<Record<string, Row>> = {
  authenticate: [401, 200, 200, 200, 200, 200, 200],
  ping: [401, 200, 200, 200, 200, 200, 200],
  subscribe_events: [401, 200, 200, 200, 200, 200, 200],
  subscribe_session: [401, 404, 200, 404, 200, 200, 404],
  unsubscribe_session: [401, 200, 200, 200, 200, 200, 200],

  open_shell: [401, 403, 200, 404, 200, 403, 404],
  attach: [401, 404, 200, 404, 200, 200, 404],
  // Who is not attached has no channel of that number; an acknowledgement of nothing has no answer but a refusal.
  ack: [401, 200, 200, 200, 200, 200, 200],
  end_input: [401, 404, 200, 404, 409, 403, 404],
  resize: [401, 404, 200, 404, 409, 403, 404],
  signal: [401, 404, 200, 404, 409, 403, 404],
  take_over: [401, 404, 200, 404, 200, 403, 404],
  detach: [401, 404, 200, 404, 200, 200, 404],
  close_channel: [401, 404, 200, 404, 200, 403, 404],
}

/** The same for the admin's token, which has only the right to list users. */
export const NARROW_TOKEN_MESSAGES: Readonly<Record<string, number>> = {
  authenticate: 200,
  ping: 200,
  subscribe_events: 403,
  subscribe_session: 403,
  unsubscribe_session: 200,
  open_shell: 403,
  attach: 403,
  ack: 200,
  end_input: 404,
  resize: 404,
  signal: 404,
  take_over: 404,
  detach: 404,
  close_channel: 404,
}
