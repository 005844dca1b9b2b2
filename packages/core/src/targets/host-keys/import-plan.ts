import type { Db } from '../../db/database.js'
import { type HostKeyPin, listPinsOfHosts } from '../../db/repositories/host-key.repository.js'
import type { HostKeyMark, ImportedLineOutcome } from '../../model/host-key.js'
import type { HostKeyId, OrgId } from '../../model/ids.js'
import type { KnownHostsLine, SkippedLine } from './known-hosts-file.js'
import type { KnownPlaces } from './known-places.js'
import { isListOfNames } from './known-places.js'
import { isStronger, type NewPin } from './pin-writer.js'

/** What one line comes to. */
export interface PlannedLine {
  readonly source: KnownHostsLine | SkippedLine
  readonly pins: readonly NewPin[]
}

/** What has to be done for a key: `stronger` is there with a mark that an import does not take away. */
export type PinChange =
  | { readonly kind: 'add' | 'known' | 'stronger' }
  | { readonly kind: 'mark'; readonly id: HostKeyId | null }

/** Which keys a line of a file is about. */
export async function planLine(
  source: KnownHostsLine | SkippedLine,
  { places, reason }: { places: KnownPlaces; reason: string | null },
): Promise<PlannedLine> {
  if ('skipped' in source) return { source, pins: [] }
  const { hosts, mark, algorithm, fingerprint } = source
  const key = { userId: null, algorithm, fingerprint, mark, source: 'import', reason } as const
  const isNames = isListOfNames(hosts)
  const found = isNames ? places.ofNames(hosts) : await places.ofHashed(hosts)
  if (found.length > 0) return { source, pins: found.map((place) => ({ ...place, ...key })) }
  if (isNames) return { source: { ...source, skipped: 'names no host that could be dialled' }, pins: [] }
  return { source, pins: [{ host: hosts, port: 0, via: null, kind: 'pattern', ...key }] }
}

/** What the database knows, and what the file said before: each key once for each host. */
export class KnownMarks {
  readonly #marks = new Map<string, { id: HostKeyId | null; mark: HostKeyMark }>()

  /** Reads what is known of the hosts of these keys. */
  async read(db: Db, orgId: OrgId, pins: readonly NewPin[]): Promise<void> {
    const hosts = [...new Set(pins.map(({ host }) => host))]
    for (const pin of await listPinsOfHosts(db, orgId, hosts)) this.#marks.set(keyOf(pin), pin)
  }

  /** Decides, and remembers it. */
  change(pin: NewPin): PinChange {
    const key = keyOf(pin)
    const before = this.#marks.get(key)
    if (before?.mark === pin.mark) return { kind: 'known' }
    if (before && !isStronger(pin.mark, before.mark)) return { kind: 'stronger' }
    this.#marks.set(key, { id: before?.id ?? null, mark: pin.mark })
    return before ? { kind: 'mark', id: before.id } : { kind: 'add' }
  }
}

/** What to say of a line whose keys come to these changes. */
export function outcomeOf(
  { source, pins }: PlannedLine,
  changes: readonly PinChange['kind'][],
): { outcome: ImportedLineOutcome; reason: string | null } {
  if ('skipped' in source) return { outcome: 'skipped', reason: source.skipped }
  if (changes.every((kind) => kind === 'stronger')) return { outcome: 'skipped', reason: 'is revoked here' }
  if (changes.every((kind) => kind === 'known' || kind === 'stronger'))
    return { outcome: 'known', reason: null }
  if (source.mark === 'revoked') return { outcome: 'revoked', reason: null }
  if (source.mark === 'cert_authority') return { outcome: 'kept', reason: null }
  return { outcome: pins[0]?.kind === 'pattern' ? 'pattern' : 'pinned', reason: null }
}

function keyOf(
  pin: Pick<NewPin, 'host' | 'port' | 'via' | 'fingerprint'> | (HostKeyPin & { port: number }),
): string {
  return [pin.host, pin.port, pin.via ?? '', pin.fingerprint].join('\n')
}
