import type { HostKeyMark } from '../../model/host-key.js'
import { describeHostKey } from '../../ssh/fingerprint.js'
import { readHashed } from './host-pattern.js'

/** A line of a known_hosts file (sshd(8)) that says something of a key. */
export interface KnownHostsLine {
  /** Counted from 1. */
  readonly line: number
  readonly mark: HostKeyMark
  /** The host field as it stands there: names, patterns, or one hashed name. */
  readonly hosts: string
  readonly algorithm: string
  readonly fingerprint: string
}

/** A line that cannot be used. */
export interface SkippedLine {
  readonly line: number
  readonly hosts: string
  readonly skipped: string
}

const MAX_LINE_LENGTH = 32 * 1024
/** Of the host field; longer than what anybody writes, and short enough to be kept under an index. */
const MAX_HOSTS_LENGTH = 1_024

const MARKS: Readonly<Record<string, HostKeyMark>> = {
  '@revoked': 'revoked',
  '@cert-authority': 'cert_authority',
}

/** Every line but empty ones and comments, each read when it is asked for; never fails, whatever the text is. */
export function* readKnownHosts(text: string): Generator<KnownHostsLine | SkippedLine> {
  for (const [index, raw] of text.split('\n').entries()) {
    const content = raw.replace(/\r$/, '').replace(/^[ \t]+/, '')
    if (content !== '' && !content.startsWith('#')) yield readLine(index + 1, content)
  }
}

function readLine(line: number, content: string): KnownHostsLine | SkippedLine {
  if (content.length > MAX_LINE_LENGTH) return { line, hosts: '', skipped: 'is too long' }
  const [first = '', ...rest] = content.split(/[ \t]+/, 5)
  const mark = first.startsWith('@') ? MARKS[first] : 'trusted'
  if (mark === undefined) return { line, hosts: '', skipped: 'has a mark that is not known' }
  const [hosts = '', algorithm = '', key = ''] = mark === 'trusted' ? [first, ...rest] : rest
  const shown = printable(hosts) ? hosts.slice(0, MAX_HOSTS_LENGTH) : ''
  const problem = problemOfHosts(hosts) ?? problemOfKey(algorithm, key)
  if (problem !== undefined) return { line, hosts: shown, skipped: problem }
  const described = describeHostKey(Buffer.from(key, 'base64'))
  if (described?.algorithm !== algorithm) return { line, hosts: shown, skipped: 'has a damaged key' }
  return { line, mark, hosts, algorithm, fingerprint: described.fingerprint }
}

function problemOfHosts(hosts: string): string | undefined {
  if (!printable(hosts)) return 'has a host that is not in plain text'
  if (hosts.length > MAX_HOSTS_LENGTH) return 'names too many hosts'
  if (hosts.startsWith('|') && !readHashed(hosts)) return 'has a damaged hashed host'
  return undefined
}

function problemOfKey(algorithm: string, key: string): string | undefined {
  if (/^[0-9]+$/.test(algorithm)) return 'has a key for SSH 1'
  if (algorithm === '' || key === '') return 'has no key'
  if (/-cert-v\d\d@/.test(algorithm)) return 'has a certificate in place of a key'
  return /^[A-Za-z0-9+/]+={0,2}$/.test(key) ? undefined : 'has a damaged key'
}

function printable(text: string): boolean {
  return /^[!-~]*$/.test(text)
}
