import { HintedError } from './hinted-error.js'

/** Where a host key was met. */
export interface KeyPlace {
  /** What `krown host-keys` takes for it: `web1`, or `10.0.3.7 -p 2222`. */
  readonly words: string
  /** Of the inventory: only keys of the organization count. */
  readonly isTarget: boolean
}

/** What `-p` and `--via` say that is not usual. */
export function wordsOf(host: string, port?: number, via?: string): string {
  return [host, ...(port === undefined || port === 22 ? [] : ['-p', port]), ...(via ? ['--via', via] : [])]
    .map((word) => quoted(String(word)))
    .join(' ')
}

/** Does the work; of a host key that it is refused for, says with which commands one goes on. */
export async function hintingAtHostKey<T>(place: KeyPlace, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const hint = hostKeyHint(error, place)
    throw hint === undefined ? error : new HintedError(error, hint)
  }
}

/** What of an error of the SDK is needed. */
interface Refusal {
  readonly code?: unknown
  readonly details?: Readonly<Record<string, unknown>>
}

/** @returns Several lines; undefined where there is nothing to say about a place. */
function hostKeyHint(error: unknown, place: KeyPlace): string | undefined {
  const { code, details = {} } = error as Refusal
  const { hopName, presented, algorithm, expected, revoked } = details
  if (typeof presented !== 'string') return undefined
  // On the way there it is about the jump host, which is a target.
  const at = typeof hopName === 'string' ? { words: quoted(hopName), isTarget: true } : place
  const key = `${at.words} ${presented}${typeof algorithm === 'string' ? ` --type ${quoted(algorithm)}` : ''}`
  if (code === 'HOST_KEY_UNKNOWN') return unknownHint(at, { key, presented })
  if (code !== 'HOST_KEY_MISMATCH') return undefined
  if (revoked === true)
    return `see who revoked it, and why: krown host-keys ls --host ${at.words.split(' ')[0]}`
  return Array.isArray(expected) ? changedHint(at, key) : undefined
}

function unknownHint({ isTarget }: KeyPlace, { key, presented }: { key: string; presented: string }): string {
  const pin = `krown host-keys pin ${key} --reason 'compared with the machine'`
  return isTarget
    ? lines('compare it with the machine; when it is the same, an administrator pins it:', pin)
    : lines(
        `compare it with the machine; when it is the same, add: --host-key ${presented}`,
        'where the server takes pinned keys only, an administrator pins it:',
        pin,
      )
}

function changedHint({ isTarget }: KeyPlace, key: string): string {
  const replace = `krown host-keys replace ${key} --reason 'rebuilt'`
  const ask =
    'ask somebody who knows whether the machine was rebuilt, and not by the same network; if it was,'
  return isTarget
    ? lines(`${ask} an administrator runs:`, replace)
    : lines(
        `${ask} replace what you pinned yourself:`,
        `${replace} --mine`,
        'or an administrator what all trust:',
        replace,
      )
}

const lines = (...all: string[]): string => all.join('\n')

/** As a shell takes it for one word. */
function quoted(word: string): string {
  return /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", String.raw`'\''`)}'`
}
