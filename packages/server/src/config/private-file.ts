import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'
import { systemReason } from './config-problem.js'

/** Who besides the owner may have rights on a file: `owner` nobody, `group` the group. */
export type Privacy = 'owner' | 'group'

const FORBIDDEN_BITS: Record<Privacy, number> = { owner: 0o077, group: 0o007 }

const LARGEST = 65_536

export type PrivateText = { readonly text: string } | { readonly problem: string }

/**
 * Reads a file that holds a secret, without the newline at its end.
 * The file that is judged is the one that is read, even if the path changes hands in between.
 *
 * @returns The text, or a sentence that says why it is not to be used.
 */
export function readPrivateFile(path: string, privacy: Privacy): PrivateText {
  try {
    // A pipe without a writer would block the start for good.
    const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
    try {
      const stat = fstatSync(file)
      const problem = problemOf(stat.isFile() ? stat : undefined, privacy)
      if (problem !== null) return { problem: `the file ${path} ${problem}` }
      return { text: readFileSync(file, 'utf8').replace(/\r?\n$/, '') }
    } finally {
      closeSync(file)
    }
  } catch (error) {
    return { problem: `the file ${path} cannot be read: ${systemReason(error)}` }
  }
}

function problemOf(file: { mode: number; size: number } | undefined, privacy: Privacy): string | null {
  if (file === undefined) return 'is not a regular file'
  if (file.size > LARGEST) return `is larger than ${LARGEST} bytes`
  return isOpenToOthers(file.mode, privacy)
    ? `can be used by others than its owner; run chmod 600 on it`
    : null
}

/** Always false on Windows, where the mode says nothing. */
export function isOpenToOthers(mode: number, privacy: Privacy): boolean {
  return process.platform !== 'win32' && (mode & FORBIDDEN_BITS[privacy]) !== 0
}
