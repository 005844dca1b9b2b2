import type { HostPlaceKey } from '../../db/repositories/host-key.repository.js'
import { isKrownError } from '../../errors/krown-error.js'
import type { TargetId } from '../../model/ids.js'
import type { Target } from '../../model/target.js'
import { hashName, knownHostsName, readHashed } from './host-pattern.js'
import { placeOf } from './host-place.js'

type PlacedTarget = Pick<Target, 'host' | 'port' | 'jumpTargetId'>

/** A hashed name is tried on the hosts of the inventory one by one: this many times at most, for one file. */
const MAX_ATTEMPTS = 2_000_000
/** Then others have their turn. */
const ATTEMPTS_AT_ONCE = 2_000

/** Which places the names in a known_hosts file are: by what the inventory knows of the ways to them. */
export class KnownPlaces {
  readonly #names: readonly string[]
  readonly #places: ReadonlyMap<string, HostPlaceKey[]>
  #attempts = 0

  constructor(targets: Iterable<PlacedTarget>) {
    const found = new Map<string, Map<TargetId | null, HostPlaceKey>>()
    for (const { host, port, jumpTargetId } of targets) {
      const name = knownHostsName(host, port)
      const places = found.get(name) ?? new Map<TargetId | null, HostPlaceKey>()
      found.set(name, places.set(jumpTargetId, { host, port, via: jumpTargetId }))
    }
    this.#places = new Map([...found].map(([name, places]) => [name, [...places.values()]]))
    this.#names = [...found.keys()]
  }

  /** The places of a list of names, of each the ways that the inventory knows, or the direct one. */
  ofNames(hosts: string): HostPlaceKey[] {
    return hosts.split(',').flatMap((name) => {
      const place = readName(name)
      return place ? (this.#places.get(knownHostsName(place.host, place.port)) ?? [place]) : []
    })
  }

  /** The places of the inventory that a hashed name may stand for; none when it is of another host. */
  async ofHashed(field: string): Promise<HostPlaceKey[]> {
    const hashed = readHashed(field)
    if (!hashed) return []
    for (const name of this.#names) {
      if (this.#attempts >= MAX_ATTEMPTS) return []
      this.#attempts += 1
      if (this.#attempts % ATTEMPTS_AT_ONCE === 0) await othersFirst()
      if (hashName(hashed.salt, name).equals(hashed.hash)) return this.#places.get(name) ?? []
    }
    return []
  }
}

/** Has it neither wildcards nor negations, nor is it hashed? */
export function isListOfNames(hosts: string): boolean {
  return !/[*?!|]/.test(hosts)
}

/** `host` or `[host]:port`; undefined for what cannot be dialled anyway. */
function readName(name: string): HostPlaceKey | undefined {
  const [, bracketed, port] = /^\[(.+)\]:([0-9]{1,5})$/.exec(name) ?? []
  const number = port === undefined ? undefined : Number(port)
  if (number !== undefined && (number < 1 || number > 65_535)) return undefined
  try {
    return placeOf({ host: bracketed ?? name, port: number })
  } catch (error) {
    if (isKrownError(error)) return undefined
    throw error
  }
}

function othersFirst(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
