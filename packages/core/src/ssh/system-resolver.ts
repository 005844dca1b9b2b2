import { lookup, Resolver } from 'node:dns/promises'
import { readFile } from 'node:fs/promises'
import { Semaphore } from '../base/semaphore.js'

/** Every address of a name, in the order to try them. Throws what the platform throws. */
export type ResolveHost = (host: string, signal: AbortSignal) => Promise<readonly string[]>

export interface SystemResolverOptions {
  /** Default: where the operating system keeps it. */
  readonly hostsFile?: string
  /** DNS servers as `address[:port]`; default: those of the operating system. */
  readonly servers?: readonly string[]
}

const HOSTS_FILE = process.platform === 'win32' ? 'C:\\Windows\\System32\\drivers\\etc\\hosts' : '/etc/hosts'
// Two rounds of 1.5 s and 3 s stay below the limit of the dialer.
const QUERY = { timeout: 1_500, tries: 2 }
const NOT_IN_DNS = /^(ENOTFOUND|ENODATA|EBADNAME|EBADQUERY|ECONNREFUSED)$/

/**
 * Resolves as `ssh` on the same machine would, without giving the thread pool away.
 *
 * `getaddrinfo` alone would do, but each call holds one of libuv's few threads, which files and password hashes
 * need too, until the slowest name server gave up; whoever may name a host could hold them all. So the hosts file is
 * read here and DNS is asked over sockets. Only a name that neither knows (a short name with a search domain, mDNS,
 * LDAP) goes to `getaddrinfo`, two at a time: a name whose servers are silent never gets that far.
 */
export class SystemResolver {
  readonly #options: SystemResolverOptions
  readonly #getaddrinfo = new Semaphore(2)

  constructor(options: SystemResolverOptions = {}) {
    this.#options = options
  }

  readonly resolve: ResolveHost = async (host, signal) => {
    const local = await addressesInHostsFile(this.#options.hostsFile ?? HOSTS_FILE, host)
    if (local.length > 0) return local
    signal.throwIfAborted()
    const found = await this.#askDns(host, signal)
    return found.length > 0 ? found : this.#askSystem(host, signal)
  }

  async #askDns(host: string, signal: AbortSignal): Promise<string[]> {
    const resolver = new Resolver(QUERY)
    if (this.#options.servers) resolver.setServers(this.#options.servers)
    const cancel = () => resolver.cancel()
    signal.addEventListener('abort', cancel, { once: true })
    try {
      const answers = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)])
      const found = answers.flatMap((answer) => (answer.status === 'fulfilled' ? answer.value : []))
      const failure = answers.find(isServerFailure)
      // A server that answers one family and drops the other is common; then the one answer counts.
      if (found.length === 0 && failure) throw failure.reason
      return found
    } finally {
      signal.removeEventListener('abort', cancel)
    }
  }

  async #askSystem(host: string, signal: AbortSignal): Promise<string[]> {
    const release = await this.#getaddrinfo.acquire(signal)
    // Held until the call is over, not until somebody stops waiting for it: the thread is busy that long.
    return lookup(host, { all: true })
      .then((found) => found.map(({ address }) => address))
      .finally(release)
  }
}

async function addressesInHostsFile(path: string, host: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch(() => '')
  const name = host.toLowerCase()
  return text
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim().toLowerCase().split(/\s+/))
    .filter(([, ...names]) => names.includes(name))
    .flatMap(([address]) => address ?? [])
}

function isServerFailure(answer: PromiseSettledResult<string[]>): answer is PromiseRejectedResult {
  return answer.status === 'rejected' && !NOT_IN_DNS.test(String(answer.reason?.code))
}
