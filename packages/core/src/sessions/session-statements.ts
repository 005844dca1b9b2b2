import type { CompiledQuery } from 'kysely'
import type { Db } from '../db/database.js'
import { prepareStatement } from '../db/prepare-statement.js'
import {
  insertSessionQuery,
  roomForSessionQuery,
  type SessionChanges,
  updateLiveSessionQuery,
} from '../db/repositories/session.repository.js'
import type { SessionsTable } from '../db/tables/session.table.js'
import type { OrgId, SessionId, UserId } from '../model/ids.js'

const INTENT = {
  id: true,
  org_id: true,
  user_id: true,
  target_id: true,
  node_id: true,
  host: true,
  port: true,
  username: true,
  auth_method: true,
  status: true,
  host_key_newly_pinned: true,
  client_ip: true,
  created_at: true,
  bytes_in: true,
  bytes_out: true,
} as const satisfies { [Column in keyof SessionsTable]?: true }

const CONNECTED = {
  status: true,
  connected_at: true,
  last_activity_at: true,
  host_key_fingerprint: true,
  host_key_newly_pinned: true,
} as const satisfies { [Column in keyof SessionChanges]?: true }

type SessionIntent = Pick<SessionsTable, keyof typeof INTENT>
type ConnectedSession = Required<Pick<SessionChanges, keyof typeof CONNECTED>> & {
  orgId: OrgId
  id: SessionId
}
type Room = { orgId: OrgId; userId: UserId; perUser: number; perOrg: number }

/** The statements that every session takes that opens. */
export class SessionStatements {
  readonly hasRoom: (room: Room) => CompiledQuery
  readonly insert: (row: SessionIntent) => CompiledQuery
  readonly connect: (session: ConnectedSession) => CompiledQuery

  constructor(db: Db) {
    this.hasRoom = prepareStatement<Room>(
      { orgId: true, userId: true, perUser: true, perOrg: true },
      ({ orgId, ...room }) => roomForSessionQuery(db, orgId, room),
    )
    this.insert = prepareStatement<SessionIntent>(INTENT, (row) => insertSessionQuery(db, row.org_id, row))
    this.connect = prepareStatement<ConnectedSession>(
      { orgId: true, id: true, ...CONNECTED },
      ({ orgId, id, ...set }) => updateLiveSessionQuery(db, orgId, { id, set }),
    )
  }
}
