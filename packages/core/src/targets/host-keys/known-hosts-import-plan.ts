import type { Db } from '../../db/database.js'
import { type HostKeyPin, listPinsOfPlaces } from '../../db/repositories/host-key.repository.js'
import type { HostKeyMark, ImportedLineOutcome } from '../../model/host-key.js'
import type { HostKeyId, OrgId } from '../../model/ids.js'
import type { KnownHostsLine, SkippedLine } from './known-hosts-file.js'
import { isListOfNames, type KnownPlaces } from './known-places.js'
import { isStronger, MAX_PINS_OF_PLACE, type NewPin } from './pin-writer.js'

/** What one line comes to. */
export interface PlannedLine {
  readonly source: KnownHostsLine | SkippedLine
  readonly pins: readonly NewPin[]
}

/**
 * What has to be done for a key: `revoked` and `authority` say that it is there with such a mark, which an import does
 * not take away, or gets it by another line; `full` that its host has as many trusted ones as it may; `conflict` that
 * its host was known by another key of this type before.
 */
export type PinChange =
  | { readonly kind: 'add' | 'known' | 'revoked' | 'authority' | 'conflict' | 'full' }
  | { readonly kind: 'mark'; readonly id: HostKeyId }

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

/** What the database knows, and what a file says in all: of each key for each host one mark, the strongest. */
export class KnownMarks {
  readonly #stored = new Map<string, HostKeyPin>()
  readonly #wanted = new Map<string, HostKeyMark>()
  readonly #decided = new Set<string>()
  /** Trusted keys of each host on each way. */
  readonly #trusted = new Map<string, number>()
  /** Types of those that were there before the import. */
  readonly #typesBefore = new Map<string, Set<string>>()
  readonly #ownKeys: ReadonlySet<string>

  /**
   * @param pins All that the file says.
   * @param own What of it the same import may have written already.
   */
  constructor(pins: readonly NewPin[], own: readonly NewPin[] = []) {
    this.#ownKeys = new Set(own.map(keyOf))
    for (const pin of pins) {
      const key = keyOf(pin)
      const before = this.#wanted.get(key)
      if (!before || isStronger(pin.mark, before)) this.#wanted.set(key, pin.mark)
    }
  }

  /** Reads what is known of the hosts of these keys, which were not read before. */
  async read(db: Db, orgId: OrgId, pins: readonly NewPin[]): Promise<void> {
    for (const pin of await listPinsOfPlaces(db, orgId, distinctPlaces(pins))) {
      const key = keyOf(pin)
      if (!this.#stored.has(key) && pin.mark === 'trusted') this.#rememberTrusted(pin)
      this.#stored.set(key, pin)
    }
  }

  /** Decides, and remembers it: each key is added or marked once. */
  change(pin: NewPin): PinChange {
    const key = keyOf(pin)
    const before = this.#stored.get(key)
    const marks = [this.#wanted.get(key), before?.mark]
    if (marks.some((mark) => mark && isStronger(mark, pin.mark)))
      return { kind: marks.includes('revoked') ? 'revoked' : 'authority' }
    if (before?.mark === pin.mark || this.#decided.has(key)) return { kind: 'known' }
    if (!before && isFull(pin, this.#trusted.get(placeKey(pin)))) return { kind: 'full' }
    if (!before && this.#isConflict(pin)) return { kind: 'conflict' }
    this.#decided.add(key)
    if (before) return { kind: 'mark', id: before.id }
    if (pin.mark === 'trusted') this.#countAt(placeKey(pin))
    return { kind: 'add' }
  }

  #rememberTrusted(pin: HostKeyPin & { readonly port: number }): void {
    const place = placeKey(pin)
    this.#countAt(place)
    if (this.#ownKeys.has(keyOf(pin))) return
    this.#typesBefore.set(place, (this.#typesBefore.get(place) ?? new Set()).add(pin.algorithm))
  }

  // A file may be older than what somebody pinned on purpose: two of a type would trust both.
  #isConflict({ kind, mark, algorithm, ...place }: NewPin): boolean {
    if (kind === 'pattern' || mark !== 'trusted') return false
    const types = this.#typesBefore.get(placeKey(place))
    return types !== undefined && (types.has(algorithm) || types.has(UNKNOWN_TYPE))
  }

  #countAt(place: string): void {
    this.#trusted.set(place, (this.#trusted.get(place) ?? 0) + 1)
  }
}

function isFull({ kind, mark }: NewPin, trusted = 0): boolean {
  return kind !== 'pattern' && mark === 'trusted' && trusted >= MAX_PINS_OF_PLACE
}

function distinctPlaces(pins: readonly NewPin[]): NewPin[] {
  return [...new Map(pins.map((pin) => [`${pin.host}\n${pin.port}`, pin])).values()]
}

/** What to say of a line whose keys come to these changes. */
export function outcomeOf(
  { source, pins }: PlannedLine,
  changes: readonly PinChange['kind'][],
): { outcome: ImportedLineOutcome; reason: string | null } {
  if ('skipped' in source) return { outcome: 'skipped', reason: source.skipped }
  const isDone = changes.every((kind) => kind !== 'add' && kind !== 'mark')
  if (changes.includes('conflict')) return { outcome: 'conflict', reason: whyConflict(source, { isDone }) }
  if (isDone && !changes.includes('known')) return { outcome: 'skipped', reason: whyNot(changes) }
  if (isDone) return { outcome: 'known', reason: null }
  if (source.mark === 'revoked') return { outcome: 'revoked', reason: null }
  if (source.mark === 'cert_authority') return { outcome: 'kept', reason: null }
  return { outcome: pins[0]?.kind === 'pattern' ? 'pattern' : 'pinned', reason: null }
}

function whyConflict({ algorithm }: KnownHostsLine, { isDone }: { isDone: boolean }): string {
  const what = `another ${algorithm} key is trusted there: replace it if this one is right`
  return isDone ? what : `${what}; of its other hosts it is pinned`
}

function whyNot(changes: readonly PinChange['kind'][]): string {
  if (changes.includes('full')) return `names a host that has ${MAX_PINS_OF_PLACE} keys already`
  return changes.includes('revoked') ? 'is revoked here' : 'is the key of a certificate authority here'
}

type PlacedPin = Pick<NewPin, 'host' | 'port' | 'via' | 'fingerprint'>

/** Of a key of which only the fingerprint was said. */
const UNKNOWN_TYPE = 'unknown'

function keyOf(pin: PlacedPin): string {
  return `${placeKey(pin)}\n${pin.fingerprint}`
}

function placeKey({ host, port, via }: PlacedPin): string {
  return [host, port, via ?? ''].join('\n')
}
