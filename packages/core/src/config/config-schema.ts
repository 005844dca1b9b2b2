import { z } from 'zod'
import {
  boolean,
  choice,
  duration,
  integer,
  integers,
  path,
  section,
  size,
  text,
  texts,
  url,
} from './config-fields.js'
import { notMoreThan, together } from './config-relations.js'
import * as value from './config-values.js'
import type { KrownConfig } from './krown-config.js'

/** Longer than a timer of the platform can wait would fire at once. */
const TIMEOUT = { min: '1ms', max: '24d' }
const LIFETIME = { min: '1s', max: '3650d' }
const COUNT = { min: 1, max: 1_000_000 }
const BUFFER = { min: '1KiB', max: '64MiB' }

const server = section(
  'Where the API listens, and who may talk to it.',
  {
    host: text({ default: '127.0.0.1', description: 'Address or host name to listen on.' }, value.listenHost),
    port: integer(
      { min: 0, max: 65_535 },
      { default: 8080, description: 'TCP port to listen on; 0 takes a free one.' },
    ),
    corsOrigins: texts(
      {
        default: [],
        description: 'Web origins whose pages may call the API, such as `https://console.example.com`.',
      },
      value.origin,
    ),
    trustProxy: texts(
      {
        default: [],
        description:
          "Addresses and networks of reverse proxies whose X-Forwarded-For is believed; nobody else's is.",
      },
      value.proxyNetwork,
    ),
    tlsCert: path(
      {
        default: '',
        description: "PEM file with the server's certificate chain; with `tls_key` it turns HTTPS on.",
      },
      value.path,
    ),
    tlsKey: path(
      {
        default: '',
        description: 'PEM file with the private key of `tls_cert`; others must not be able to read it.',
      },
      value.path,
    ),
    allowPlainHttp: boolean({
      default: false,
      description: 'Serve plain HTTP on an address that other machines can reach.',
    }),
    drainTimeout: duration(
      { min: '0s', max: TIMEOUT.max },
      {
        default: '30s',
        description: 'How long running requests and commands may go on after a stop was asked for.',
      },
    ),
  },
  [together('tlsCert', 'tlsKey', 'server.tls_key')],
)

const database = section('Where Krown keeps its data.', {
  url: url(
    { default: '', description: 'A `postgres://` address; empty means SQLite in `data_dir`.', secret: true },
    value.postgresUrl,
  ),
  poolSize: integer(
    { min: 1, max: 1_000 },
    { default: 10, description: 'Largest number of PostgreSQL connections.' },
  ),
  schema: text(
    { default: 'krown', description: 'PostgreSQL schema that holds the tables.' },
    value.schemaName,
  ),
  migrate: choice(['auto', 'check'], {
    default: 'auto',
    description:
      '`auto` brings the tables up to date at start; `check` only refuses to start when they are not.',
  }),
})

const outbound = section('Which targets may be reached at all.', {
  allow: texts(
    {
      default: [],
      description:
        'If not empty, only these targets: networks, addresses, host names, `*.example.com`; optional `:port`.',
    },
    value.outboundRule,
  ),
  deny: texts(
    { default: [], description: 'Never these targets, in the same notation; wins over `allow`.' },
    value.outboundRule,
  ),
  allowLoopback: boolean({
    default: false,
    description: 'Allow sessions to the machine that Krown runs on.',
  }),
  adhocPorts: integers(
    { min: 1, max: 65_535 },
    { default: [22, 2222], description: 'Ports for hosts that are not in the inventory; empty allows any.' },
  ),
})

const ssh = section(
  'Sessions and commands on targets.',
  {
    connectTimeout: duration(TIMEOUT, { default: '10s', description: 'Opening the TCP connection.' }),
    handshakeTimeout: duration(TIMEOUT, {
      default: '20s',
      description: 'SSH key exchange and authentication, together.',
    }),
    commandTimeout: duration(TIMEOUT, {
      default: '5m',
      description: 'Timeout of a command for which none was given.',
    }),
    maxCommandTimeout: duration(TIMEOUT, {
      default: '24h',
      description: 'Longest timeout that may be asked for; also ends what has none.',
    }),
    idleTimeout: duration(TIMEOUT, {
      default: '30m',
      description: 'A session without an open command is closed after this long.',
    }),
    keepaliveInterval: duration(TIMEOUT, {
      default: '15s',
      description: 'How often a silent connection is probed.',
    }),
    maxSessionsPerUser: integer(COUNT, {
      default: 20,
      description: 'Open sessions of one user in one organization.',
    }),
    maxSessionsPerOrg: integer(COUNT, { default: 500, description: 'Open sessions of one organization.' }),
    maxSessions: integer(COUNT, { default: 5000, description: 'Open sessions of this process.' }),
    maxSessionOpensPerMinute: integer(COUNT, {
      default: 60,
      description: 'Sessions that one user may begin to open in a minute, whatever becomes of them.',
    }),
    maxAdhocHostsPerHour: integer(COUNT, {
      default: 60,
      description:
        'Different hosts outside the inventory, each with its port, that one user may try in an hour.',
    }),
    maxChannelsPerSession: integer(
      { min: 1, max: 1_000 },
      {
        default: 8,
        description:
          'Commands that run at once in one session; OpenSSH allows 10 unless configured otherwise.',
      },
    ),
    hostKeyPolicy: choice(['accept-new', 'ask', 'strict'], {
      default: 'accept-new',
      description:
        'What happens with a host whose key is not pinned: `accept-new` pins it for the user, `ask` wants its fingerprint in the request, `strict` refuses it.',
    }),
    allowAdhocHosts: boolean({
      default: true,
      description: 'Allow sessions to hosts that are not in the inventory.',
    }),
    outbound: outbound.prefault({}),
  },
  [notMoreThan('commandTimeout', 'maxCommandTimeout', 'ssh.max_command_timeout')],
)

const auth = section(
  'Who may sign in, and for how long.',
  {
    jwtSecret: text(
      {
        default: '',
        description:
          'Signs access tokens, at least 32 bytes; empty generates one in `data_dir`, but PostgreSQL needs it given.',
        secret: true,
      },
      value.optionalSecret,
    ),
    previousJwtSecrets: texts(
      {
        default: [],
        description: 'Older values of `jwt_secret` whose tokens stay valid until they end.',
        secret: true,
      },
      value.secret,
    ),
    accessTokenTtl: duration(
      { min: '1s', max: '24h' },
      { default: '10m', description: 'Lifetime of an access token.' },
    ),
    refreshTokenTtl: duration(LIFETIME, {
      default: '30d',
      description: 'Longest lifetime of a login, however much it is used.',
    }),
    refreshIdleTtl: duration(LIFETIME, {
      default: '7d',
      description: 'A login that is not used for this long ends.',
    }),
    registration: choice(['open', 'invite', 'closed'], {
      default: 'open',
      description:
        '`open` lets anybody who reaches the API register, with a role that sees only itself; `invite` only whom an administrator invited; `closed` nobody.',
    }),
    setupToken: text(
      {
        default: '',
        description:
          'Registering with it makes the first administrator, once; empty generates one in `data_dir`.',
        secret: true,
      },
      value.optionalSecret,
    ),
    passwordMinLength: integer(
      { min: 8, max: 256 },
      { default: 12, description: 'Shortest password, in characters.' },
    ),
  },
  [notMoreThan('refreshIdleTtl', 'refreshTokenTtl', 'auth.refresh_token_ttl')],
)

const vault = section('What stored secrets are encrypted with.', {
  masterKey: text(
    {
      default: '',
      description:
        'Encrypts stored secrets: 32 random bytes in base64 or hexadecimal; empty generates them in `data_dir`, but PostgreSQL needs them given.',
      secret: true,
    },
    value.optionalMasterKey,
  ),
  previousMasterKeys: texts(
    {
      default: [],
      description:
        'Other master keys, with which stored secrets can be read; `krown-server keys rotate` makes them superfluous.',
      secret: true,
    },
    value.masterKey,
  ),
})

const recordings = section('What is recorded of what runs on targets, and for how long.', {
  mode: choice(['strict', 'best-effort', 'off'], {
    default: 'strict',
    description:
      '`strict`: what cannot be recorded does not run; `best-effort`: it runs, and what is missing shows; `off`.',
  }),
  dir: path(
    { default: '', description: 'Where the files are; empty means `recordings` in `data_dir`.' },
    value.path,
  ),
  recordInput: boolean({ default: false, description: 'Also record what is typed, passwords among it.' }),
  maxSession: size(
    { min: '1MiB', max: '1TiB' },
    { default: '1GiB', description: 'Largest recording; what runs in it ends there.' },
  ),
  maxTotal: size(
    { min: '0B', max: '1000TiB' },
    {
      default: '0B',
      description: 'What all recordings together may take; `0B` for as much as the disk has.',
    },
  ),
  minFree: size(
    { min: '0B', max: '1TiB' },
    { default: '500MiB', description: 'With less on their disk nothing new runs.' },
  ),
  retention: duration(
    { min: '0s', max: LIFETIME.max },
    { default: '90d', description: 'How long they are kept; `0s` for ever.' },
  ),
})

const limits = section('What one caller may use.', {
  body: size(BUFFER, { default: '256KiB', description: 'Largest request body.' }),
  execOutput: size(BUFFER, {
    default: '1MiB',
    description: 'How much of each output stream of a command is kept for its answer.',
  }),
  loginFailuresPerAccount: integer(COUNT, {
    default: 10,
    description: 'Failed logins of one account in one window.',
  }),
  loginFailuresPerAddress: integer(COUNT, {
    default: 30,
    description: 'Failed logins from one address in one window.',
  }),
  registrationsPerAddress: integer(COUNT, {
    default: 20,
    description: 'Registrations from one address in one window.',
  }),
  window: duration(
    { min: '1s', max: TIMEOUT.max },
    { default: '15m', description: 'The window of the three keys above.' },
  ),
  requestsPerActor: integer(COUNT, { default: 1000, description: 'Requests per second of one user.' }),
  socketsPerUser: integer(COUNT, { default: 20, description: 'Open WebSockets of one user.' }),
  socketsPerAddress: integer(COUNT, { default: 50, description: 'Open WebSockets from one address.' }),
  subscriptionsPerSocket: integer(COUNT, {
    default: 16,
    description: 'Subscriptions at once on one WebSocket.',
  }),
})

const logging = section('What Krown says about its own work; the journal is elsewhere.', {
  level: choice(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
    default: 'info',
    description: 'Least severe level that is written.',
  }),
  format: choice(['pretty', 'json'], {
    default: 'pretty',
    description: '`pretty` for people, `json` for programs.',
  }),
  file: path({ default: '', description: 'Log file; empty writes to standard output.' }, value.path),
  rotateSize: size(
    { min: '1KiB', max: '1TiB' },
    { default: '50MiB', description: 'Size at which the log file is rotated.' },
  ),
  rotateKeep: integer(
    { min: 1, max: 10_000 },
    { default: 7, description: 'Rotated log files that are kept.' },
  ),
})

/** Every key of the configuration, in TypeScript spelling: what it accepts, its default and what it is for. */
export const configSchema = z.strictObject({
  dataDir: path(
    {
      default: './data',
      description: 'Directory of the SQLite database and of generated secrets; only its owner may enter it.',
    },
    value.givenPath,
  ),
  server: server.prefault({}),
  database: database.prefault({}),
  ssh: ssh.prefault({}),
  auth: auth.prefault({}),
  vault: vault.prefault({}),
  recordings: recordings.prefault({}),
  limits: limits.prefault({}),
  logging: logging.prefault({}),
}) satisfies z.ZodType<KrownConfig>
