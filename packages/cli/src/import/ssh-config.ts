import {
  type ImportPlan,
  type ImportRemark,
  isTargetName,
  jumpHostsFirst,
  type PlannedTarget,
  type RouteField,
  statedFields,
} from './planned-target.js'
import { ConfigReader } from './ssh-config-file.js'
import { type HostOptions, HostOptionsFinder, hostnameOf } from './ssh-config-options.js'

/** Who and where `ssh` would be run. */
export interface SshConfigSurroundings {
  readonly home: string
  /** For hosts of which no line says a user name. */
  readonly username: string
}

const DEFAULT_PORT = 22

/**
 * The hosts of an ssh_config file with what `ssh` would use for them: `Include` is followed, `Match` is evaluated as
 * far as it asks for names, and nothing is ever executed.
 *
 * @throws CliError when the file cannot be read.
 */
export function planFromSshConfig(file: string, { home, username }: SshConfigSurroundings): ImportPlan {
  const reader = new ConfigReader(file, home)
  const finder = new HostOptionsFinder(reader.read(file), username)
  const plan = new PlanOfHosts(finder, username)
  plan.addAll()
  return {
    targets: jumpHostsFirst([...plan.targets.values()]),
    remarks: [...reader.remarks, ...finder.remarks, ...plan.remarks],
  }
}

/** How a host is reached, whatever it is called. */
type Route = Omit<PlannedTarget, 'name' | 'tags'>

/** Hosts become targets, and what they jump through as well. */
class PlanOfHosts {
  readonly targets = new Map<string, PlannedTarget>()
  readonly remarks: ImportRemark[] = []
  readonly #finder: HostOptionsFinder
  readonly #username: string
  /** As the file writes them, by their names as targets. */
  readonly #aliases: ReadonlyMap<string, string>
  /** Being added: whoever is reached through itself is met here. */
  readonly #begun = new Set<string>()

  constructor(finder: HostOptionsFinder, username: string) {
    this.#finder = finder
    this.#username = username
    this.#aliases = this.#byName(finder.aliases())
  }

  /** Names of targets know no case: of two that differ by it the first counts. */
  #byName(aliases: Iterable<string>): Map<string, string> {
    const byName = new Map<string, string>()
    for (const alias of aliases) {
      const first = byName.get(alias.toLowerCase())
      if (first === undefined) byName.set(alias.toLowerCase(), alias)
      else
        this.remarks.push({
          what: alias,
          why: `it differs from ${first} by case alone, which names of targets do not`,
        })
    }
    return byName
  }

  addAll(): void {
    for (const alias of this.#aliases.values()) this.#add(alias)
  }

  /** @returns The name of the target; undefined when it becomes none. */
  #add(alias: string): string | undefined {
    const name = alias.toLowerCase()
    if (this.#begun.has(name)) return this.targets.has(name) ? name : undefined
    this.#begun.add(name)
    const options = this.#finder.find(alias)
    const problem = problemOf(alias, options)
    const jump = problem === undefined ? this.#jumpOf(alias, options) : undefined
    if (jump === undefined) {
      if (problem !== undefined) this.remarks.push({ what: alias, why: problem })
      return undefined
    }
    this.#set(name, { ...this.#routeOf(alias, options), jump, stated: statedIn(options) })
    return name
  }

  #set(name: string, route: Route): void {
    const target = { name, ...route, tags: [] }
    this.targets.set(name, this.#aliases.has(name) ? target : { ...target, isOnlyNamed: true })
  }

  #routeOf(alias: string, options: HostOptions) {
    return {
      host: hostnameOf(alias, options),
      port: Number(options.port ?? DEFAULT_PORT),
      username: options.user ?? this.#username,
    }
  }

  /** Several hops become several targets, each reached through the one before. Undefined when one cannot be. */
  #jumpOf(alias: string, options: HostOptions): string | null | undefined {
    const text = jumpTextOf(options)
    if (text === undefined || text.toLowerCase() === 'none') return null
    let through: string | null = null
    for (const hop of text.split(',').map((one) => one.trim())) {
      const name = this.#addHop(hop, through)
      if (name === undefined) {
        this.remarks.push({ what: alias, why: `its jump host ${hop} cannot be imported` })
        return undefined
      }
      through = name
    }
    return through
  }

  /** `[user@]host[:port]`, where the host may be an alias. */
  #addHop(text: string, through: string | null): string | undefined {
    const [, user, host, port] = /^(?:ssh:\/\/)?(?:([^@]+)@)?(\[[^\]]+\]|[^:]+)(?::(\d+))?$/.exec(text) ?? []
    if (host === undefined) return undefined
    const alias = host.replace(/^\[|\]$/g, '')
    if (user === undefined && port === undefined && through === null) return this.#add(alias)
    const options = this.#finder.find(alias)
    const own = { ...options, ...(user !== undefined && { user }), ...(port !== undefined && { port }) }
    const jump = through ?? this.#ownJumpOf(alias)
    // What it is called need not be where it is.
    const stated = statedIn({ hostname: alias, proxyjump: jump ?? 'none', ...own })
    return this.#nameFor(alias.toLowerCase(), { ...this.#routeOf(alias, own), jump, stated })
  }

  #ownJumpOf(alias: string): string | null {
    const name = this.#aliases.has(alias.toLowerCase()) ? this.#add(alias) : undefined
    return this.targets.get(name ?? '')?.jump ?? null
  }

  /** Its alias, unless another target has that. */
  #nameFor(alias: string, route: Route): string | undefined {
    const inFile = this.#aliases.get(alias)
    if (inFile !== undefined) this.#add(inFile)
    const names = [alias, `${alias}-${route.username}`, `${alias}-${route.username}-${route.port}`]
    return names.filter(isTargetName).find((name) => {
      const known = this.targets.get(name)
      if (known === undefined && this.#begun.has(name)) return false
      if (known === undefined) {
        this.#begun.add(name)
        this.#set(name, route)
      }
      return known === undefined || isSame(known, route)
    })
  }
}

function isSame(one: Route, other: Route): boolean {
  return (['host', 'port', 'username', 'jump'] as const).every((part) => one[part] === other[part])
}

function statedIn(options: HostOptions): RouteField[] {
  const { hostname, port, user } = options
  return statedFields({ host: hostname, port, username: user, jump: jumpTextOf(options) })
}

/** As `ProxyJump` has it; undefined where nothing is said of a jump host. */
function jumpTextOf({ proxyjump, proxycommand }: HostOptions): string | undefined {
  if (proxyjump !== undefined) return proxyjump
  return proxycommand?.toLowerCase() === 'none' ? 'none' : jumpOfCommand(proxycommand)
}

function problemOf(alias: string, options: HostOptions): string | undefined {
  if (!isTargetName(alias)) return 'a target is called by letters, digits, dot, underscore and hyphen only'
  const port = Number(options.port ?? DEFAULT_PORT)
  if (!Number.isInteger(port) || port < 1 || port > 65_535) return `there is no port ${options.port}`
  const command = options.proxyjump === undefined ? options.proxycommand : undefined
  if (command === undefined || command.toLowerCase() === 'none') return undefined
  if (jumpOfCommand(command) !== undefined) return undefined
  return 'it is reached by a ProxyCommand, which is not run: give it a ProxyJump'
}

/** `ssh -W %h:%p bastion`: how ProxyJump was written before there was one. */
function jumpOfCommand(command = ''): string | undefined {
  const [, before, after] =
    /^\s*(?:\S*\/)?ssh\s+(?:-W\s+\[?%h\]?:%p\s+(\S+)|(\S+)\s+-W\s+\[?%h\]?:%p)\s*$/.exec(command) ?? []
  const jump = before ?? after
  return jump?.startsWith('-') ? undefined : jump
}
