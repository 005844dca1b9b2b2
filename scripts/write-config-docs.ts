// Writes docs/reference/configuration.md from the schema: `tsx scripts/write-config-docs.ts`.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import {
  type ConfigKey,
  type ConfigSection,
  configSections,
} from '../packages/core/src/config/config-keys.js'

export const CONFIG_REFERENCE = fileURLToPath(new URL('../docs/reference/configuration.md', import.meta.url))

const INTRODUCTION = `# Configuration

<!-- Written by scripts/write-config-docs.ts from packages/core/src/config/config-schema.ts; change that. -->

\`krown-server\` reads a TOML file and the environment. A program that uses \`@krown/core\` passes the same keys to
\`createKrown\`, in camelCase: \`ssh.max_sessions\` is \`ssh: { maxSessions }\`; core reads neither file nor environment.

- Without \`--config\` no file is read, not even \`./krown.toml\`, and the data is in \`./data\`.
- Unknown keys and unknown \`KROWN_…\` variables are refused, with the name that was probably meant. All problems are
  listed at once.
- Durations are \`"500ms"\`, \`"30s"\`, \`"5m"\`, \`"24h"\`, \`"30d"\` or \`"1h30m"\`; sizes are \`"512B"\`, \`"64KiB"\`, \`"1MiB"\`,
  \`"1GiB"\`. A number without a unit is refused for both.
- Relative paths are relative to the file they are in; in the environment, to the working directory.
- \`krown-server config check\` prints the effective configuration with secrets masked, and where each value came from.

## Environment

Every key has a variable: \`KROWN_\`, the table and the key, in capitals, joined by two underscores. A list is written
\`a, b\` or as a JSON array; a list of secrets with commas in them needs the JSON form. When a key is given more than
once, the first of these wins:

1. \`KROWN_<SECTION>__<KEY>\`;
2. \`KROWN_<SECTION>__<KEY>_FILE\`, a file with the value; one newline at its end is not part of it. A file that users
   outside its group can read or write is refused;
3. \`JWT_SECRET\` for \`auth.jwt_secret\` and \`DATABASE_URL\` for \`database.url\`;
4. the TOML file;
5. the default.

A secret whose variable is set but empty is refused. \`KROWN_URL\` and \`KROWN_TOKEN\` belong to the command-line client and
are ignored here.

## Secrets

Without \`auth.jwt_secret\` the server makes one in \`data_dir/jwt-secret\`; with PostgreSQL it must be given, because every
process needs the same. The same goes for \`vault.master_key\`, which encrypts stored credentials, and
\`data_dir/master-key\`; a backup without it [is useless for them](../operations/running.md#the-master-key). As long as
there is no administrator, a setup token is made in \`data_dir/setup-token\` unless \`auth.setup_token\` is given. These
files have mode 0600, \`data_dir\` has 0700. The server does not start with a secret that is shorter than 32 bytes or well
known, nor with a secret file that others can read.

## Listening beyond this machine

A \`server.host\` that is not loopback starts only with TLS (\`server.tls_cert\` and \`server.tls_key\`), with a reverse proxy
that does it (\`server.trust_proxy\`), or with \`server.allow_plain_http = true\`.

## Outbound rules

\`ssh.outbound.allow\` and \`ssh.outbound.deny\` take networks (\`10.0.0.0/8\`), addresses, host names and \`*.example.com\`,
each optionally with a port: \`10.0.0.0/8:2222\`, \`[2001:db8::/32]:22\`. They are judged in this order:

1. metadata services, link-local, multicast and reserved addresses, Krown's own ports and its database are refused,
   whatever is configured;
2. the machine itself, loopback or an address of its interfaces, is refused unless \`allow_loopback = true\` or \`allow\`
   has its exact address and port, such as \`127.0.0.1:22\`;
3. \`deny\` refuses;
4. \`allow\`, when it is not empty, refuses what it does not have.

Every address that a name stands for must pass, and so must the IPv4 addresses inside IPv6 ones. A host that is not in
the inventory is reached on \`adhoc_ports\`, and on a port that an entry of \`allow\` names for it. With
\`ssh.allow_adhoc_hosts = false\`, which \`krown-server init\` writes, it is not reached at all. A target of the
inventory may have any port.

The first entry of \`allow\` turns it from "everything" to "only these". To reach one more port or this machine, without
listing every other target, use \`adhoc_ports\` and \`allow_loopback\`.`

/** The reference as it is committed. */
export function renderConfigReference(): string {
  return `${[INTRODUCTION, '## Keys', ...configSections().map(renderSection)].join('\n\n')}\n`
}

function renderSection({ path, description, keys }: ConfigSection): string {
  const heading = path === '' ? [] : [`### [${path}]`, description]
  const table = ['| key | default | meaning |', '|---|---|---|', ...keys.map(renderKey)].join('\n')
  return [...heading, table].join('\n\n')
}

function renderKey(key: ConfigKey): string {
  const names = (key.choices ?? []).map((name) => `\`${name}\``)
  const explained = names.every((name) => key.description.includes(name))
  const choices = explained ? '' : ` One of ${names.join(', ')}.`
  const secret = key.secret ? ' Secret.' : ''
  return `| \`${key.path}\` | \`${JSON.stringify(key.default)}\` | ${key.description}${choices}${secret} \`${key.envName}\` |`
}

if (process.argv[1] === fileURLToPath(import.meta.url))
  writeFileSync(CONFIG_REFERENCE, renderConfigReference())
