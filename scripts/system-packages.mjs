/**
 * The programs outside npm that the test suite starts. The one list: add here what a new suite needs.
 *
 * Silent and quick when all are present. As root on Debian or Ubuntu it installs what is missing; otherwise it prints
 * the command. With `CI=true` what stays missing is a failure, because there no suite may skip.
 */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

/** A module of Debian's own Python: it is there or not, whatever else is called python3. */
const PYTHON_WEBSOCKETS = () => ['/usr/lib/python3/dist-packages/websockets']

/** Debian has each major version in a directory of its own, which is not on the path. */
const DEBIAN_POSTGRES = '/usr/lib/postgresql'
const EXTRA_DIRECTORIES = ['/usr/sbin', '/usr/local/sbin', '/opt/homebrew/sbin']
const directories = [...(process.env.PATH ?? '').split(delimiter), ...EXTRA_DIRECTORIES]

/** Looked for anew after an installation. */
function postgresServers() {
  const versions = existsSync(DEBIAN_POSTGRES) ? readdirSync(DEBIAN_POSTGRES) : []
  const bins = versions.map((version) => join(DEBIAN_POSTGRES, version, 'bin'))
  return [...bins, ...directories].map((directory) => join(directory, 'postgres'))
}

/** Any of them will do. */
function vims() {
  return ['vim', 'vim.tiny'].flatMap((name) => directories.map((directory) => join(directory, name)))
}

const NEEDED = [
  { program: 'sshd', aptPackage: 'openssh-server', brewFormula: 'openssh' },
  { program: 'ps', aptPackage: 'procps' },
  { program: 'openssl', aptPackage: 'openssl' },
  { program: 'curl', aptPackage: 'curl' },
  { program: 'python3', aptPackage: 'python3' },
  { program: 'python3-websockets', files: PYTHON_WEBSOCKETS, aptPackage: 'python3-websockets' },
  { program: 'chromium', aptPackage: 'chromium' },
  // What shells on the command line are tried with.
  { program: 'tmux', aptPackage: 'tmux' },
  { program: 'vim', files: vims, aptPackage: 'vim-tiny' },
  { program: 'less', aptPackage: 'less' },
  { program: 'ssh', aptPackage: 'openssh-client' },
  // With its pg_dump, which must fit the server; the one of the npm package has none.
  {
    program: 'postgres',
    files: postgresServers,
    aptPackage: 'postgresql',
    brewFormula: 'postgresql',
  },
]
const POLICY = '/usr/sbin/policy-rc.d'

const isMissing = ({ program, files = () => directories.map((directory) => join(directory, program)) }) =>
  !files().some((file) => existsSync(file))

const before = NEEDED.filter(isMissing)
if (before.length > 0) provide(before)

function provide(missing) {
  const names = missing.map(({ program }) => program).join(', ')
  if (existsSync('/usr/bin/apt-get') && process.getuid?.() === 0) {
    console.log(`The tests need ${names}: installing ${aptPackages(missing).join(' ')} with apt-get.`)
    install(aptPackages(missing))
  }
  const still = missing.filter(isMissing)
  if (still.length > 0) report(still)
}

function install(packages) {
  const refused = forbidServices()
  try {
    const updated = apt(['update', '-qq'])
    if (updated) apt(['install', '-y', '-qq', '--no-install-recommends', ...packages])
  } finally {
    if (refused) rmSync(POLICY, { force: true })
  }
}

function apt(args) {
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  const { status } = spawnSync('apt-get', args, { env, stdio: ['ignore', 'inherit', 'inherit'] })
  if (status !== 0) console.error(`apt-get ${args[0]} failed`)
  return status === 0
}

/** The suite needs the program: nobody asked for an SSH server on port 22. */
function forbidServices() {
  try {
    writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755, flag: 'wx' })
    return true
  } catch {
    // There is one already, and it stays as its owner wants it.
    return false
  }
}

function report(missing) {
  const names = missing.map(({ program }) => program).join(', ')
  console.error(`Missing: ${names}. Install with: ${installCommand(missing)}`)
  if (process.env.CI === 'true') process.exitCode = 1
  else console.error('Until then the suites that need them are reported as skipped.')
}

function installCommand(missing) {
  if (process.platform !== 'darwin')
    return `apt-get update && apt-get install -y --no-install-recommends ${aptPackages(missing).join(' ')}`
  return `brew install ${missing.map(({ brewFormula, program }) => brewFormula ?? program).join(' ')}`
}

function aptPackages(missing) {
  return missing.map(({ aptPackage }) => aptPackage)
}
