/** Every key once; `Duration` and `Size` are numbers after parsing and text before. */
interface ConfigShape<Duration, Size> {
  /** Directory of the SQLite database and of generated secrets; only its owner may enter it. */
  readonly dataDir: string
  readonly server: {
    /** Address or host name to listen on. */
    readonly host: string
    /** TCP port to listen on; 0 takes a free one. */
    readonly port: number
    /** Web origins whose pages may call the API, such as `https://console.example.com`. */
    readonly corsOrigins: readonly string[]
    /** Addresses and networks of reverse proxies whose X-Forwarded-For is believed; nobody else's is. */
    readonly trustProxy: readonly string[]
    /** PEM file with the server's certificate chain; with `tls_key` it turns HTTPS on. */
    readonly tlsCert: string
    /** PEM file with the private key of `tls_cert`; others must not be able to read it. */
    readonly tlsKey: string
    /** Serve plain HTTP on an address that other machines can reach. */
    readonly allowPlainHttp: boolean
    /** How long running requests and commands may go on after a stop was asked for. */
    readonly drainTimeout: Duration
  }
  readonly database: {
    /** A `postgres://` address; empty means SQLite in `data_dir`. */
    readonly url: string
    /** Largest number of PostgreSQL connections. */
    readonly poolSize: number
    /** PostgreSQL schema that holds the tables. */
    readonly schema: string
    /** `auto` brings the tables up to date at start; `check` only refuses to start when they are not. */
    readonly migrate: 'auto' | 'check'
  }
  readonly ssh: {
    /** Opening the TCP connection. */
    readonly connectTimeout: Duration
    /** SSH key exchange and authentication, together. */
    readonly handshakeTimeout: Duration
    /** Timeout of a command for which none was given. */
    readonly commandTimeout: Duration
    /** Longest timeout that may be asked for; also ends what has none. */
    readonly maxCommandTimeout: Duration
    /** A session without an open command is closed after this long. */
    readonly idleTimeout: Duration
    /** How often a silent connection is probed. */
    readonly keepaliveInterval: Duration
    /** Open sessions of one user in one organization. */
    readonly maxSessionsPerUser: number
    /** Open sessions of one organization. */
    readonly maxSessionsPerOrg: number
    /** Open sessions of this process. */
    readonly maxSessions: number
    /** Sessions that one user may begin to open in a minute, whatever becomes of them. */
    readonly maxSessionOpensPerMinute: number
    /** Different hosts outside the inventory, each with its port, that one user may try in an hour. */
    readonly maxAdhocHostsPerHour: number
    /** Commands that run at once in one session; OpenSSH allows 10 unless configured otherwise. */
    readonly maxChannelsPerSession: number
    /** What happens with a host whose key is not pinned: `accept-new` pins it for the user, `ask` wants its
     * fingerprint in the request, `strict` refuses it. */
    readonly hostKeyPolicy: 'accept-new' | 'ask' | 'strict'
    /** Allow sessions to hosts that are not in the inventory. */
    readonly allowAdhocHosts: boolean
    readonly outbound: {
      /** If not empty, only these targets: networks, addresses, host names, `*.example.com`; optional `:port`. */
      readonly allow: readonly string[]
      /** Never these targets, in the same notation; wins over `allow`. */
      readonly deny: readonly string[]
      /** Allow sessions to the machine that Krown runs on. */
      readonly allowLoopback: boolean
      /** Ports for hosts that are not in the inventory; empty allows any. */
      readonly adhocPorts: readonly number[]
    }
  }
  readonly auth: {
    /** Signs access tokens, at least 32 bytes; empty generates one in `data_dir`, but PostgreSQL needs it given. */
    readonly jwtSecret: string
    /** Older values of `jwt_secret` whose tokens stay valid until they end. */
    readonly previousJwtSecrets: readonly string[]
    /** Lifetime of an access token. */
    readonly accessTokenTtl: Duration
    /** Longest lifetime of a login, however much it is used. */
    readonly refreshTokenTtl: Duration
    /** A login that is not used for this long ends. */
    readonly refreshIdleTtl: Duration
    /** `open` lets anybody who reaches the API register, with a role that sees only itself; `invite` only whom an administrator invited; `closed` nobody. */
    readonly registration: 'open' | 'invite' | 'closed'
    /** Registering with it makes the first administrator, once; empty generates one in `data_dir`. */
    readonly setupToken: string
    /** Shortest password, in characters. */
    readonly passwordMinLength: number
  }
  readonly vault: {
    /** Encrypts stored secrets: 32 random bytes in base64 or hexadecimal; empty generates them in `data_dir`, but
     * PostgreSQL needs them given. */
    readonly masterKey: string
    /** Other master keys, with which stored secrets can be read; `krown-server keys rotate` makes them superfluous. */
    readonly previousMasterKeys: readonly string[]
  }
  readonly recordings: {
    /** `strict`: what cannot be recorded does not run; `best-effort`: it runs, and what is missing shows; `off`. */
    readonly mode: 'strict' | 'best-effort' | 'off'
    /** Where the files are; empty means `recordings` in `data_dir`. */
    readonly dir: string
    /** Also record what is typed, passwords among it. */
    readonly recordInput: boolean
    /** Largest recording; what runs in it ends there. */
    readonly maxSession: Size
    /** What all recordings together may take; `0B` for as much as the disk has. */
    readonly maxTotal: Size
    /** With less on their disk nothing new runs. */
    readonly minFree: Size
    /** How long they are kept; `0s` for ever. */
    readonly retention: Duration
  }
  readonly limits: {
    /** Largest request body. */
    readonly body: Size
    /** How much of each output stream of a command is kept for its answer. */
    readonly execOutput: Size
    /** Failed logins of one account in one window. */
    readonly loginFailuresPerAccount: number
    /** Failed logins from one address in one window. */
    readonly loginFailuresPerAddress: number
    /** Registrations from one address in one window. */
    readonly registrationsPerAddress: number
    /** The window of the three keys above. */
    readonly window: Duration
    /** Requests per second of one user. */
    readonly requestsPerActor: number
    /** Open WebSockets of one user. */
    readonly socketsPerUser: number
    /** Open WebSockets from one address. */
    readonly socketsPerAddress: number
    /** Subscriptions at once on one WebSocket. */
    readonly subscriptionsPerSocket: number
  }
  readonly logging: {
    /** Least severe level that is written. */
    readonly level: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent'
    /** `pretty` for people, `json` for programs. */
    readonly format: 'pretty' | 'json'
    /** Log file; empty writes to standard output. */
    readonly file: string
    /** Size at which the log file is rotated. */
    readonly rotateSize: Size
    /** Rotated log files that are kept. */
    readonly rotateKeep: number
  }
}

/** The sections of a table may be left out, and so may their keys. */
type Given<Table> = Table extends string | number | boolean | readonly unknown[]
  ? Table
  : { readonly [Key in keyof Table]?: Given<Table[Key]> | undefined }

/** A complete, checked configuration. Durations are milliseconds, sizes are bytes. */
export interface KrownConfig extends ConfigShape<number, number> {}

/** What a program may leave out has its default. Durations and sizes are text, as in the file: `"30s"`, `"64KiB"`. */
export type KrownConfigInput = Given<ConfigShape<string, string>>
