import type { AuthService } from '../auth/auth-service.js'
import type { Invites } from '../auth/invites/invites.js'
import type { OwnLogins } from '../auth/logins/own-logins.js'
import type { UserAdmin } from '../auth/people/user-admin.js'
import type { ApiTokens } from '../auth/tokens/api-tokens.js'
import type { JournalReader } from '../journal-reading/journal-reader.js'
import type { JournalTail } from '../journal-reading/journal-tail.js'
import type { SystemInfo } from '../model/system.js'
import type { ChannelService } from '../sessions/channels/channel-service.js'
import type { CommandService } from '../sessions/commands/command-service.js'
import type { EventStreams } from '../sessions/events/event-streams.js'
import type { RecordingDownloads } from '../sessions/recordings/recording-downloads.js'
import type { RecordingService } from '../sessions/recordings/recording-service.js'
import type { SshManager } from '../sessions/ssh-manager.js'
import type { AccessExplainer } from '../targets/access-rules/access-explainer.js'
import type { AccessRules } from '../targets/access-rules/access-rules.js'
import type { Credentials } from '../targets/credentials/credentials.js'
import type { HostKeyServices } from '../targets/host-keys/create-host-key-services.js'
import type { TargetImporter } from '../targets/inventory/target-import.js'
import type { Targets } from '../targets/inventory/targets.js'

/** The use cases behind a client. They take what was checked: a section of the client does that, and nothing else. */
export interface ClientServices {
  readonly auth: AuthService
  readonly users: UserAdmin
  readonly logins: OwnLogins
  readonly tokens: ApiTokens
  readonly invites: Invites
  readonly sessions: SshManager
  readonly commands: CommandService
  readonly channels: ChannelService
  readonly recordings: RecordingService
  readonly recordingDownloads: RecordingDownloads
  readonly streams: EventStreams
  readonly credentials: Credentials
  readonly targets: { readonly targets: Targets; readonly importer: TargetImporter }
  readonly hostKeys: HostKeyServices
  readonly access: { readonly rules: AccessRules; readonly explainer: AccessExplainer }
  readonly journal: JournalReader
  readonly journalTail: JournalTail
  systemInfo(): Promise<SystemInfo>
}
