/** Lines of a known_hosts file for one call. */
export interface KnownHostsPart {
  readonly text: string
  /** Lines of the file that came before. */
  readonly before: number
}

/** With the end of each line written as two characters a part stays below what a server takes. */
const MAX_LENGTH = 128 * 1024
const MAX_LINES = 2_000
/** A line may name many; the server takes 10,000, and counts each on every way to it. */
const MAX_HOSTS = 2_000

interface Collected {
  readonly lines: string[]
  readonly before: number
  length: number
  hosts: number
}

/** Whole lines, as many as fit into a call each. */
export function partsOf(text: string): KnownHostsPart[] {
  const parts: Collected[] = []
  for (const [before, line] of text.split('\n').entries()) {
    // One that is longer than any key is skipped by the server anyway.
    const sent = line.slice(0, MAX_LENGTH)
    const [length, hosts] = [sent.length + 2, hostsIn(sent)]
    const part = parts.at(-1)
    if (part === undefined || !hasRoom(part, length, hosts)) {
      parts.push({ lines: [sent], before, length, hosts })
    } else {
      part.lines.push(sent)
      part.length += length
      part.hosts += hosts
    }
  }
  return parts.map(({ lines, before }) => ({ text: lines.join('\n'), before }))
}

function hasRoom(part: Collected, length: number, hosts: number): boolean {
  return (
    part.lines.length < MAX_LINES && part.length + length <= MAX_LENGTH && part.hosts + hosts <= MAX_HOSTS
  )
}

/** Its first word that is no mark. */
function hostsIn(line: string): number {
  const names = line.split(/\s+/).find((word) => word !== '' && !word.startsWith('@')) ?? ''
  return names.split(',').length
}
